//! Who may ask: credentials, tracking identifier, lock and rights.
//!
//! Whatever is wrong with the credentials, the answer is the same and says nothing:
//! 401, no body [LIVE W6W].

use hyper::HeaderMap;

use crate::answer::Answer;
use crate::config::Limits;
use crate::schema::Entity;
use crate::switches::Switches;
use crate::world::World;
use crate::world::cell::Cell;
use crate::world::users::Right;

/// Text of a refusal [LIVE DJA].
pub(crate) const NO_PERMISSION: &str =
    "The logged in Resource does not have the adequate permissions to perform this action.";

/// Somebody whose credentials were right.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// Place in the world's list of users.
    pub user: usize,
    /// Tracking identifier.
    pub code: String,
}

/// Whether any credential header was sent.
pub(crate) fn sent_credentials(headers: &HeaderMap) -> bool {
    ["apiintegrationcode", "username", "secret", "authorization"]
        .iter()
        .any(|h| headers.contains_key(*h))
}

/// Checks the headers; counts failures and locks.
pub(crate) fn authenticate(
    headers: &HeaderMap,
    world: &mut World,
    limits: &Limits,
    switches: &Switches,
    realm: &str,
) -> Result<Caller, Answer> {
    let header = |name: &str| {
        headers
            .get(name)
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default()
    };
    let (name, secret, code) = (
        header("username"),
        header("secret"),
        header("apiintegrationcode"),
    );
    let refused = || Answer::unauthorized(realm);
    let found = world.users.iter_mut().enumerate();
    let mut same_name = found.filter(|(_, u)| u.user_name.eq_ignore_ascii_case(name));
    let (place, user) = same_name.next().ok_or_else(refused)?;
    if user.locked {
        // What a locked user gets has not been recorded [?].
        return Err(match switches.locked_status {
            401 => refused(),
            status => Answer::errors(status, &switches.locked_text),
        });
    }
    if user.secret != secret {
        user.failures += 1;
        user.locked = limits.lock_after.is_some_and(|n| user.failures >= n);
        return Err(refused());
    }
    if !user.integration_codes.iter().any(|c| c == code) {
        return Err(match switches.integration_code_status {
            401 => refused(),
            status => Answer::errors(status, "IntegrationCode is invalid"),
        });
    }
    user.failures = 0;
    let caller = Caller {
        user: place,
        code: code.to_owned(),
    };
    if let Some(resource) = headers.get("impersonationresourceid") {
        let id = resource
            .to_str()
            .ok()
            .and_then(|v| v.trim().parse::<i64>().ok());
        let active = |id| {
            let row = world.rows(Entity::Resources).get(id)?;
            Some(row.get(Entity::Resources, "isActive") == Cell::Bool(true))
        };
        if id.and_then(active) != Some(true) {
            return Err(Answer::errors(
                500,
                "The ImpersonationResourceId is not valid.",
            ));
        }
    }
    Ok(caller)
}

/// The right of a caller on an entity: `Ok(true)` is everything, `Ok(false)` is
/// silence.
pub(crate) fn permit(world: &World, caller: &Caller, entity: Entity) -> Result<bool, Answer> {
    match world
        .users
        .get(caller.user)
        .map_or(Right::Allowed, |u| u.right(entity))
    {
        Right::Allowed => Ok(true),
        Right::Silent => Ok(false),
        Right::Forbidden => Err(Answer::errors(403, NO_PERMISSION)),
        Right::Forbidden500 => Err(Answer::errors(500, NO_PERMISSION)),
    }
}
