//! The places for connections: how many there are, whose they are, and who goes first when they are
//! all taken.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::limits::Limit;

/// How many places there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    /// Of all.
    pub(crate) all: usize,
    /// Of one address.
    pub(crate) each: usize,
}

/// All places.
#[derive(Debug)]
pub(crate) struct Places {
    room: Room,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    /// The number of the next place; the oldest has the lowest.
    next: u64,
    all: BTreeMap<u64, Holder>,
    /// The numbers of those who may have to go.
    queues: Queues,
    networks: HashMap<IpAddr, Network>,
}

/// Who has a place.
#[derive(Debug)]
struct Holder {
    network: Option<IpAddr>,
    standing: Standing,
    /// Tells it to go.
    go: oneshot::Sender<()>,
}

/// What one address has.
#[derive(Debug, Default)]
struct Network {
    count: usize,
    queues: Queues,
}

/// Those who can be told to go, oldest first.
#[derive(Debug, Default)]
struct Queues {
    strangers: BTreeSet<u64>,
    idle: BTreeSet<u64>,
}

/// What is known of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// It has shown no valid key, or asked for nothing, yet.
    Stranger,
    /// It was let in, and has no request now.
    Idle,
    /// A request of it is answered.
    Busy,
}

impl Queues {
    fn of(&mut self, standing: Standing) -> Option<&mut BTreeSet<u64>> {
        match standing {
            Standing::Stranger => Some(&mut self.strangers),
            Standing::Idle => Some(&mut self.idle),
            Standing::Busy => None,
        }
    }

    fn first(&self) -> Option<u64> {
        self.strangers.first().or(self.idle.first()).copied()
    }
}

/// A place, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    number: u64,
}

/// The request of a connection that is answered now, until it is dropped.
#[derive(Debug)]
pub(crate) struct Busy(Arc<Place>);

impl Places {
    pub(crate) fn new(room: Room) -> Arc<Self> {
        Arc::new(Self { room, taken: Mutex::default() })
    }

    /// Takes a place, which another may have to leave for it. What is returned beside it resolves
    /// when this one has to go.
    pub(crate) fn take(
        self: &Arc<Self>,
        address: IpAddr,
    ) -> Result<(Arc<Place>, oneshot::Receiver<()>), Limit> {
        let network = network(address);
        let mut taken = self.taken();
        if let Some(network) = network
            && let Some(of_it) = taken.networks.get(&network)
            && of_it.count >= self.room.each
        {
            let first = of_it.queues.first().ok_or(Limit::ConnectionsPerAddress)?;
            taken.dismiss(first);
        }
        if taken.all.len() >= self.room.all {
            let first = taken.queues.first().ok_or(Limit::Connections)?;
            taken.dismiss(first);
        }
        let (go, gone) = oneshot::channel();
        let number = taken.next;
        taken.next += 1;
        taken.all.insert(number, Holder { network, standing: Standing::Stranger, go });
        taken.queues.strangers.insert(number);
        if let Some(network) = network {
            let of_it = taken.networks.entry(network).or_default();
            of_it.count += 1;
            of_it.queues.strangers.insert(number);
        }
        drop(taken);
        Ok((Arc::new(Place { places: self.clone(), number }), gone))
    }

    /// Has the oldest go that nobody would miss, because the system has no room. Whether there was
    /// one.
    pub(crate) fn relieve(&self) -> bool {
        let mut taken = self.taken();
        let first = taken.queues.first();
        first.is_some_and(|first| taken.dismiss(first))
    }

    /// How many are taken.
    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.taken().all.len()
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    /// Takes somebody's place away.
    fn dismiss(&mut self, number: u64) -> bool {
        let Some(Holder { network, standing, go }) = self.all.remove(&number) else { return false };
        if let Some(queue) = self.queues.of(standing) {
            queue.remove(&number);
        }
        if let Some(network) = network
            && let Some(of_it) = self.networks.get_mut(&network)
        {
            of_it.count -= 1;
            if let Some(queue) = of_it.queues.of(standing) {
                queue.remove(&number);
            }
            if of_it.count == 0 {
                self.networks.remove(&network);
            }
        }
        go.send(()).is_ok()
    }

    fn set(&mut self, number: u64, standing: Standing) {
        let Some(holder) = self.all.get_mut(&number) else { return };
        let before = std::mem::replace(&mut holder.standing, standing);
        let of_network = holder.network.and_then(|network| self.networks.get_mut(&network));
        let queues = [Some(&mut self.queues), of_network.map(|of_it| &mut of_it.queues)];
        for queues in queues.into_iter().flatten() {
            if let Some(queue) = queues.of(before) {
                queue.remove(&number);
            }
            if let Some(queue) = queues.of(standing) {
                queue.insert(number);
            }
        }
    }
}

impl Place {
    /// A request of it was let in, which is answered until what is returned is dropped.
    pub(crate) fn begin(self: &Arc<Self>) -> Busy {
        self.places.taken().set(self.number, Standing::Busy);
        Busy(self.clone())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.places.taken().set(self.0.number, Standing::Idle);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.taken().dismiss(self.number);
    }
}

/// Whom an address is counted with; `None` for this machine's own.
fn network(address: IpAddr) -> Option<IpAddr> {
    let address = address.to_canonical();
    match address {
        _ if address.is_loopback() => None,
        IpAddr::V4(_) => Some(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Some(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Taken = (Arc<Place>, oneshot::Receiver<()>);

    fn take(places: &Arc<Places>, address: &str) -> Result<Taken, Limit> {
        places.take(address.parse().expect("an address"))
    }

    fn has_to_go((_, gone): &mut Taken) -> bool {
        gone.try_recv().is_ok()
    }

    #[test]
    fn strangers_go_first_then_who_asks_for_nothing_and_nobody_who_is_answered() {
        let places = Places::new(Room { all: 3, each: 9 });
        let mut all: Vec<_> =
            (0..3).map(|_| take(&places, "127.0.0.1").expect("there is room")).collect();
        let answered = all[0].0.begin();
        drop(all[1].0.begin());
        let mut fourth = take(&places, "127.0.0.1").expect("the stranger goes");
        assert!(has_to_go(&mut all[2]) && !has_to_go(&mut all[1]) && !has_to_go(&mut all[0]));
        let also_answered = fourth.0.begin();
        let mut fifth = take(&places, "127.0.0.1").expect("the idle one goes");
        assert!(has_to_go(&mut all[1]) && !has_to_go(&mut all[0]));
        let more = fifth.0.begin();
        assert_eq!(take(&places, "127.0.0.1").err(), Some(Limit::Connections));
        assert!(!places.relieve() && !has_to_go(&mut fourth) && !has_to_go(&mut fifth));
        drop((answered, also_answered, more));
        assert!(places.relieve());
        drop((all, fourth, fifth));
        assert_eq!(places.count(), 0);
        assert!(places.taken().queues.first().is_none());
    }

    #[test]
    fn each_address_and_each_network_of_ipv6_has_its_own_bound() {
        let places = Places::new(Room { all: 100, each: 2 });
        let first = take(&places, "2001:db8:1:2::1").expect("room");
        let second = take(&places, "2001:db8:1:2:ffff::9").expect("room");
        let mut other = take(&places, "2001:db8:1:3::1").expect("room");
        let mut mapped = take(&places, "::ffff:192.0.2.7").expect("room");
        let mut plain = take(&places, "192.0.2.7").expect("room");
        let busy = (first.0.begin(), second.0.begin());
        assert_eq!(
            take(&places, "2001:db8:1:2:3::").err(),
            Some(Limit::ConnectionsPerAddress),
            "of the same /64"
        );
        let third = take(&places, "192.0.2.7").expect("a stranger of the address goes");
        assert!(has_to_go(&mut mapped) && !has_to_go(&mut plain) && !has_to_go(&mut other));
        let local: Vec<_> = (0..5).map(|_| take(&places, "127.0.0.1").expect("no bound")).collect();
        drop((busy, first, second, other, mapped, plain, third, local));
        assert!(places.taken().networks.is_empty());
    }
}
