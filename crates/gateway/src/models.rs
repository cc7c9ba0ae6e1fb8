//! Models: which provider answers for a name, and the lists that clients ask for.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::{Extension, Json};
use lenore_provider::{Message, Provider, split_temporary};
use serde_json::{Value, json};

use crate::Gateway;
use crate::failure::Failure;
use crate::gateway::Options;
use crate::keys::Caller;
use crate::side::{SideQuestion, side_question};

/// The alias that stands for all names that are not known otherwise.
const ANY: &str = "*";

/// No model's name is longer, in bytes.
const LONGEST: usize = 300;

/// A list of models is asked for so often; where that fails, so soon again at first.
const FRESH: Duration = Duration::from_secs(60 * 60);
const AGAIN: Duration = Duration::from_secs(10);

/// Whom to ask, and by which name.
pub(crate) struct Route {
    pub(crate) provider: Arc<dyn Provider>,
    /// As the provider knows it; empty for its default.
    pub(crate) model: String,
    /// Whether the chat is deleted after its answer.
    pub(crate) temporary: bool,
}

/// A model that is offered.
struct Offer<'a> {
    id: String,
    owner: &'a str,
}

impl Gateway {
    /// A name that begins with a provider's name and `/` goes to that provider, whole: it knows
    /// its own names in that form. Any other goes to the default. The suffix `:temporary` may stand
    /// behind any.
    pub(crate) fn route(&self, name: &str) -> Result<Route, Failure> {
        if name.len() > LONGEST || name.chars().any(char::is_control) {
            return Err(Failure::invalid("that is no model's name").of_param("model"));
        }
        let (name, is_temporary) = split_temporary(name);
        let Options { aliases, default_model, .. } = &self.0.options;
        let name = default_model.as_deref().filter(|_| name.is_empty()).unwrap_or(name);
        let is_any = || aliases.get(ANY).filter(|_| !name.is_empty() && !self.is_known(name));
        let model = aliases.get(name).or_else(is_any).map_or(name, String::as_str);
        // An alias may stand for one, too.
        let (model, is_alias_temporary) = split_temporary(model);
        let provider = self.owner(model).unwrap_or(&self.providers()[0]).clone();
        let temporary = is_temporary || is_alias_temporary;
        Ok(Route { provider, model: model.to_owned(), temporary })
    }

    /// The name that a response bears.
    pub(crate) fn shown(&self, name: &str) -> String {
        if !name.is_empty() {
            return name.to_owned();
        }
        let chosen = self.0.options.default_model.as_deref();
        chosen.unwrap_or_else(|| self.providers()[0].default_model()).to_owned()
    }

    /// The provider whose prefix a name has.
    fn owner(&self, name: &str) -> Option<&Arc<dyn Provider>> {
        let (prefix, rest) = name.split_once('/')?;
        self.providers().iter().find(|provider| provider.name() == prefix && !rest.is_empty())
    }

    /// Who is asked what a front end asks on the side, where that was chosen and the caller may ask
    /// it.
    pub(crate) fn side_model(&self, caller: &Caller, messages: &[Message]) -> Option<String> {
        let model = self.0.options.side_model.as_ref()?;
        let SideQuestion { client, asks, .. } = side_question(messages)?;
        let route = self.route(model).ok()?;
        caller.check_model(&self.shown(&route.model)).ok()?;
        tracing::debug!(client, asks, model, "a question on the side goes to the side model");
        Some(model.clone())
    }

    pub(crate) fn is_known(&self, name: &str) -> bool {
        self.owner(name).is_some() || self.offers().iter().any(|offer| offer.id == name)
    }

    /// The default's models by their own names, those of others by prefix, and the aliases.
    fn offers(&self) -> Vec<Offer<'_>> {
        let mut offers = Vec::new();
        for (index, provider) in self.providers().iter().enumerate() {
            let owner = provider.name();
            offers.extend(provider.models().into_iter().map(|model| {
                let prefix = format!("{owner}/");
                let is_plain = index == 0 || model.name.starts_with(&prefix);
                let id = if is_plain { model.name } else { prefix + &model.name };
                Offer { id, owner }
            }));
        }
        for (alias, model) in self.0.options.aliases.iter().filter(|(alias, _)| *alias != ANY) {
            let owner = self.owner(model).unwrap_or(&self.providers()[0]).name();
            offers.push(Offer { id: alias.clone(), owner });
        }
        offers
    }

    /// The same as a caller is told them: the default, since who names none in a front end gets the
    /// first, those that the caller asked last, and the others.
    fn offers_to(&self, caller: &Caller) -> Vec<Offer<'_>> {
        let mut offers = self.offers();
        let recent = self.0.recent.of(caller.name());
        // The last that is put to the front is the first.
        for id in recent.into_iter().rev().chain([self.shown("")]) {
            match offers.iter().position(|offer| offer.id == id) {
                Some(at) => offers[..=at].rotate_right(1),
                None => {
                    let Some(owner) = self.owner(&id) else { continue };
                    let owner = owner.name();
                    offers.insert(0, Offer { id, owner });
                }
            }
        }
        offers
    }
}

/// Keeps a provider's list as new as it can be had.
pub(crate) async fn keep_fresh(provider: Arc<dyn Provider>) {
    let mut wait = AGAIN;
    loop {
        match provider.refresh_models().await {
            Ok(_) => wait = FRESH,
            Err(error) => {
                tracing::warn!(provider = provider.name(), %error, "the models are not known");
                wait = if wait < FRESH { (wait * 2).min(FRESH) } else { AGAIN };
            }
        }
        tokio::time::sleep(wait).await;
    }
}

/// `GET /v1/models`
pub(crate) async fn list(
    State(gateway): State<Gateway>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Json<Value>, Failure> {
    let mut offers = gateway.offers_to(&caller);
    offers.retain(|offer| is_allowed(&gateway, &caller, &offer.id));
    let told = |offers: &[Offer<'_>]| -> Vec<_> {
        offers.iter().map(|offer| told(&gateway, offer, &headers)).collect()
    };
    let (page, has_more) = Page::read(uri.query().unwrap_or_default())?.of(&offers)?;
    if !is_anthropic(&headers) {
        return Ok(Json(json!({ "object": "list", "data": told(page) })));
    }
    let id = |offer: Option<&Offer<'_>>| offer.map(|offer| offer.id.clone());
    Ok(Json(json!({
        "data": told(page),
        "has_more": has_more,
        "first_id": id(page.first()),
        "last_id": id(page.last()),
    })))
}

/// Which part of the list is wanted, as Anthropic's clients say it. Without a limit it is all.
#[derive(Debug, Default)]
struct Page {
    limit: Option<usize>,
    after: Option<String>,
    before: Option<String>,
}

impl Page {
    fn read(query: &str) -> Result<Self, Failure> {
        let mut page = Self::default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let is_given = match &*name {
                "limit" => page.limit.is_some(),
                "after_id" => page.after.is_some(),
                "before_id" => page.before.is_some(),
                _ => continue,
            };
            if is_given {
                return Err(Failure::invalid("it is given twice").at(name));
            }
            match &*name {
                "limit" => match value.parse() {
                    Ok(limit @ 1..=1000) => page.limit = Some(limit),
                    _ => return Err(Failure::invalid("limit is 1 to 1000").of_param("limit")),
                },
                "after_id" => page.after = Some(value.into_owned()),
                _ => page.before = Some(value.into_owned()),
            }
        }
        if page.after.is_some() && page.before.is_some() {
            let message = "a page is either after_id or before_id";
            return Err(Failure::invalid(message).of_param("before_id"));
        }
        Ok(page)
    }

    /// The part, and whether there is more in its direction.
    fn of<'a, 'b>(&self, offers: &'a [Offer<'b>]) -> Result<(&'a [Offer<'b>], bool), Failure> {
        let place = |id: &str, param: &str| {
            let place = offers.iter().position(|offer| offer.id == id);
            place.ok_or_else(|| Failure::invalid("that model is not in the list").of_param(param))
        };
        let limit = self.limit.unwrap_or(usize::MAX);
        if let Some(before) = &self.before {
            let all = &offers[..place(before, "before_id")?];
            let from = all.len().saturating_sub(limit);
            return Ok((&all[from..], from > 0));
        }
        let from = match &self.after {
            Some(after) => place(after, "after_id")? + 1,
            None => 0,
        };
        let all = &offers[from..];
        Ok((&all[..limit.min(all.len())], limit < all.len()))
    }
}

/// `GET /v1/models/{id}`: whatever can be asked by that name. Whether the site has a bot that is
/// named by a prefix is known only when it is asked.
pub(crate) async fn retrieve(
    State(gateway): State<Gateway>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, Failure> {
    let offers = gateway.offers();
    let listed = offers.into_iter().find(|offer| offer.id == id);
    let route = gateway.route(&id).ok();
    let unlisted = || {
        let Route { provider, model, .. } = route.as_ref()?;
        let is_named = gateway.owner(model).is_some() || provider.takes_any_model();
        let may_be_asked = is_named || gateway.is_known(model);
        may_be_asked.then(|| Offer { id: id.clone(), owner: provider.name() })
    };
    match listed.or_else(unlisted).filter(|offer| is_allowed(&gateway, &caller, &offer.id)) {
        Some(offer) => Ok(Json(told(&gateway, &offer, &headers))),
        None => Err(Failure::new(
            StatusCode::NOT_FOUND,
            "model_not_found",
            "no model of that name; /v1/models lists those that have a name here",
        )
        .of_param("model")),
    }
}

fn is_allowed(gateway: &Gateway, caller: &Caller, id: &str) -> bool {
    gateway.route(id).and_then(|route| caller.check_model(&route.model)).is_ok()
}

/// Whether the client is one of Anthropic's.
pub(crate) fn is_anthropic(headers: &HeaderMap) -> bool {
    headers.contains_key("anthropic-version")
}

fn told(gateway: &Gateway, Offer { id, owner }: &Offer<'_>, headers: &HeaderMap) -> Value {
    if is_anthropic(headers) {
        return json!({
            "type": "model",
            "id": id,
            "display_name": id,
            // The site does not say since when it has a bot.
            "created_at": "1970-01-01T00:00:00Z",
            "lifecycle": "active",
        });
    }
    json!({ "id": id, "object": "model", "created": gateway.0.since, "owned_by": owner })
}
