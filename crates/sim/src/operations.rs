//! The names of the calls, as the habits have them.

use crate::habits::Operations;

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
