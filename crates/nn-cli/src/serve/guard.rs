//! Who may ask, and how often: owns the checks against pages of other origins, names that were turned to this machine
//! (DNS rebinding) and clients in too great a hurry, and refuses to know what is asked.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    time::Instant,
};

use hyper::{
    HeaderMap, StatusCode, Uri,
    header::{HOST, ORIGIN},
};

use super::reply::Refusal;

/// The names by which this server may be asked for.
#[derive(Debug)]
pub(super) struct Names {
    allowed: Vec<String>,
}

impl Names {
    /// `allowed` are in lower case, and stand beside localhost and addresses in numbers.
    pub(super) fn new(allowed: Vec<String>) -> Names {
        Names { allowed }
    }

    /// Whether a request was meant for this server, and by a page of its own if by a page.
    ///
    /// A page of anywhere can send requests to this machine, though not read the answers; unless it lets its own name
    /// lead here, which makes this server part of its origin. Numbers can't be turned so: they are the address.
    ///
    /// # Errors
    /// The answer to one that was not.
    pub(super) fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
        let mut hosts = headers.get_all(HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else {
            return Err(Refusal::new(
                StatusCode::BAD_REQUEST,
                "expected one Host header, found none or several",
            ));
        };
        let host = host.to_str().unwrap_or_default();
        // A request may name the server in its first line, too.
        let names = std::iter::once(host).chain(uri.host());
        for name in names {
            if !self.is_allowed(name) {
                return Err(Refusal::new(
                    StatusCode::MISDIRECTED_REQUEST,
                    format!("expected localhost or an address in numbers as the host, found {name:?}"),
                )
                .hint("`nn-cli serve --host NAME` allows a name"));
            }
        }
        if let Some(origin) = headers.get(ORIGIN) {
            let origin = origin.to_str().unwrap_or_default();
            let of = origin.split_once("://").map_or("", |(_, host)| host);
            if !of.eq_ignore_ascii_case(host) {
                return Err(Refusal::new(
                    StatusCode::FORBIDDEN,
                    format!(
                        "expected a request by a page of this server, found one of the origin {origin:?}"
                    ),
                ));
            }
        }
        Ok(())
    }

    fn is_allowed(&self, host: &str) -> bool {
        let name = without_port(host).to_ascii_lowercase();
        let address = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        address.map_or_else(|| name.parse::<IpAddr>().is_ok(), |address| address.parse::<Ipv6Addr>().is_ok())
            || name == "localhost"
            || name.ends_with(".localhost")
            || self.allowed.contains(&name)
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Requests that a client may send at once, and in a second after that: enough for a page that asks with every stroke,
/// and for a program that asks one after the other.
const BURST: f64 = 1000.0;
const PER_SECOND: f64 = 500.0;

/// Clients to remember at most. When there are more, all begin afresh.
const MOST_CLIENTS: usize = 4096;

/// How many requests each client has left.
#[derive(Debug, Default)]
pub(super) struct Rates {
    clients: HashMap<IpAddr, Left>,
}

#[derive(Debug)]
struct Left {
    requests: f64,
    at: Instant,
}

impl Rates {
    /// Whether a client may ask now, which counts as a request then.
    pub(super) fn admits(&mut self, client: IpAddr, now: Instant) -> bool {
        if self.clients.len() >= MOST_CLIENTS {
            self.clients.clear();
        }
        let left = self.clients.entry(network(client)).or_insert(Left { requests: BURST, at: now });
        let gained = now.saturating_duration_since(left.at).as_secs_f64() * PER_SECOND;
        *left = Left { requests: (left.requests + gained).min(BURST), at: now };
        let is_admitted = left.requests >= 1.0;
        if is_admitted {
            left.requests -= 1.0;
        }
        is_admitted
    }
}

/// What stands for a client: one has not one address of IPv6 but 2^64.
fn network(client: IpAddr) -> IpAddr {
    match client {
        IpAddr::V4(_) => client,
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(address) => address.into(),
            None => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn checked(host: &str, origin: Option<&str>) -> Option<StatusCode> {
        let names = Names::new(vec!["workshop.local".to_owned()]);
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(ORIGIN, origin.parse().unwrap());
        }
        names.check(&Uri::from_static("/predict"), &headers).err().map(|refusal| refusal.status())
    }

    #[test]
    fn names_that_others_can_turn_to_this_machine_are_refused() {
        for host in [
            "localhost",
            "LOCALHOST:80",
            "127.0.0.1:7878",
            "192.168.1.5",
            "[::1]:7878",
            "a.localhost:1",
            "workshop.local",
        ] {
            assert_eq!(checked(host, None), None, "{host}");
        }
        for host in [
            "evil.example:7878",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "",
            ":80",
            "[evil]",
            "notlocalhost",
            "localhost@evil.example",
            "workshop.local.",
        ] {
            assert_eq!(checked(host, None), Some(StatusCode::MISDIRECTED_REQUEST), "{host}");
        }
    }

    #[test]
    fn pages_of_other_origins_are_refused() {
        assert_eq!(checked("localhost:7878", Some("http://localhost:7878")), None);
        assert_eq!(checked("workshop.local", Some("https://workshop.local")), None);
        for origin in
            ["http://localhost:80", "http://evil.example", "null", "", "http://localhost:7878.evil.example"]
        {
            assert_eq!(checked("localhost:7878", Some(origin)), Some(StatusCode::FORBIDDEN), "{origin}");
        }
    }

    #[test]
    fn a_request_without_a_host_or_with_two_is_refused_as_is_one_for_another_server() {
        let names = Names::new(Vec::new());
        let mut headers = HeaderMap::new();
        let page = Uri::from_static("/");
        assert!(names.check(&page, &headers).is_err());
        headers.append(HOST, "localhost".parse().unwrap());
        assert!(names.check(&page, &headers).is_ok());
        assert!(names.check(&Uri::from_static("http://evil.example/"), &headers).is_err());
        headers.append(HOST, "localhost".parse().unwrap());
        assert!(names.check(&page, &headers).is_err());
    }

    #[test]
    fn a_client_in_a_hurry_is_held_to_the_rate_and_others_are_not() {
        let mut rates = Rates::default();
        let (hasty, calm) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let start = Instant::now();
        let admitted = (0..5000).filter(|_| rates.admits(hasty, start)).count();
        assert_eq!(admitted, BURST as usize);
        assert!(rates.admits(calm, start));
        let later = start + Duration::from_secs(1);
        let admitted = (0..5000).filter(|_| rates.admits(hasty, later)).count();
        assert_eq!(admitted, PER_SECOND as usize);
        // A clock that stands still, or an earlier moment, gives nothing.
        assert!(!rates.admits(hasty, start));
    }

    #[test]
    fn the_addresses_of_one_network_of_ipv6_are_one_client() {
        let mut rates = Rates::default();
        let now = Instant::now();
        let address = |low: u128| IpAddr::from(Ipv6Addr::from_bits(0x2001_0db8 << 96 | low));
        let admitted = (0..3000).filter(|&low| rates.admits(address(low), now)).count();
        assert_eq!(admitted, BURST as usize);
        assert!(rates.admits(address(1 << 64), now));
        assert_eq!(network("::ffff:10.0.0.1".parse().unwrap()), IpAddr::from([10, 0, 0, 1]));
    }

    #[test]
    fn clients_without_number_take_no_memory_without_bound() {
        let mut rates = Rates::default();
        let now = Instant::now();
        for number in 0..20_000_u32 {
            assert!(rates.admits(IpAddr::from(number.to_be_bytes()), now));
        }
        assert!(rates.clients.len() <= MOST_CLIENTS);
    }
}
