//! The names of the calls, as the habits have them.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::habits::{Habits, Headers, OperationPlace, Operations};
use crate::variants;

/// Every call that the page makes, by the name it had in 2023.
pub(crate) const OPERATIONS: &[&str] = &[
    "SendMessageMutation",
    "StopMessage_messageCancel_Mutation",
    "cancelViewerActiveJobs_cancelViewerActiveJobs_Mutation",
    "SendChatBreakMutation",
    "ChatPageQuery",
    "ChatHistoryListQuery",
    "DeleteChatMutation",
    "LogoutMutation",
    "SendVerificationCodeMutation",
    "LoginWithVerificationCodeMutation",
    "UploadAttachmentMutation",
    "SubscriptionsMutation",
    "ChatLastMessageAreaQuery",
    "ChatHelpers_ChatMarkAsSeen_Mutation",
];

const VARIABLES: &str = include_str!("../page/variables.json");

/// What the page says with the calls that a client may want to understand.
pub(crate) fn variables(words: &[(String, &'static str)]) -> BTreeMap<String, Value> {
    variants::chosen(VARIABLES, words)
}

/// The headers of a call, and whether they are among the few.
pub(crate) const HEADERS: &[(&str, bool)] = &[
    ("poe-tchannel", true),
    ("poe-queryname", true),
    ("poe-formkey", false),
    ("poe-revision", false),
    ("poe-tag-id", false),
    ("poegraphql", false),
];

/// The headers that the page sends.
pub(crate) fn headers(habits: &Habits) -> impl Iterator<Item = &'static str> {
    let all = habits.headers == Headers::All;
    let named = habits.operation_place != OperationPlace::Body;
    let sent =
        move |(name, few): &&(&str, bool)| (all || *few) && (named || *name != "poe-queryname");
    HEADERS.iter().filter(sent).map(|(name, _)| *name)
}

/// Other names that mean the same.
const ALIASES: &[(&str, &str)] = &[
    ("SendVerificationCodeForLoginMutation", "SendVerificationCodeMutation"),
    ("SignupWithVerificationCodeMutation", "LoginWithVerificationCodeMutation"),
];

/// How the page calls an operation.
pub(crate) fn spelled(operation: &str, habit: Operations) -> String {
    let component = operation.split('_').nth(1).is_some();
    match habit {
        Operations::Upper => operation.to_owned(),
        // What begins with a component's name keeps its capital.
        Operations::Lower if component => operation.to_owned(),
        Operations::Lower => {
            let mut letters = operation.chars();
            let first = letters.next().map(|letter| letter.to_ascii_lowercase());
            first.into_iter().chain(letters).collect()
        }
        Operations::Other => telling_nothing(operation),
    }
}

/// The operation of a name, however it is spelled.
pub(crate) fn find(name: &str) -> Option<&'static str> {
    let same = |operation: &str| {
        operation.eq_ignore_ascii_case(name) || telling_nothing(operation) == name
    };
    let alias = || {
        let (_, operation) = ALIASES.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(name))?;
        Some(*operation)
    };
    OPERATIONS.iter().copied().find(|operation| same(operation)).or_else(alias)
}

fn telling_nothing(operation: &str) -> String {
    let mut rng = crate::prose::generator(0, "operation", operation);
    format!("q{:08x}", rng.u32(..))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_leads_to_its_operation() {
        for operation in OPERATIONS {
            for habit in [Operations::Upper, Operations::Lower, Operations::Other] {
                assert_eq!(find(&spelled(operation, habit)), Some(*operation));
            }
        }
        assert_eq!(spelled("SendMessageMutation", Operations::Lower), "sendMessageMutation");
        assert_eq!(find("nothing"), None);
    }
}
