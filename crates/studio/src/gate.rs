//! Who may come in: pages of this studio that know its secret, and nobody else.
//!
//! Any page that a browser has open may send requests to any address of this machine, and a name of somebody else's may be made to lead
//! here (DNS rebinding). So the `Host` has to be an address and not a name, an `Origin` has to be that of the studio, and every request
//! has to carry the secret: as a cookie, which the address that the program prints puts into the browser, or as a bearer token.

use std::net::{IpAddr, SocketAddr};

use axum::http::header::{AUTHORIZATION, COOKIE, HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method, Uri};

/// Fewest characters of a secret that somebody names.
pub(crate) const LEAST_SECRET: usize = 16;

/// How a request comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pass {
    /// With the secret as cookie or token.
    Known,
    /// By the address that the program prints: the browser is given the cookie.
    Entering,
}

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    Host,
    Origin,
    Secret,
}

impl Refused {
    pub(crate) fn in_words(self) -> &'static str {
        match self {
            Self::Host => "ask for this studio by its address, such as 127.0.0.1, and not by a name",
            Self::Origin => "another page may not use this studio",
            Self::Secret => "open the address that `dodge studio` printed when it was started: it has the secret in it",
        }
    }
}

/// The one who looks at every request.
#[derive(Debug)]
pub(crate) struct Gate {
    secret: String,
    port: u16,
    is_loopback: bool,
}

impl Gate {
    pub(crate) fn new(secret: String, address: SocketAddr) -> Self {
        Self { secret, port: address.port(), is_loopback: address.ip().is_loopback() }
    }

    /// What is put behind the address.
    pub(crate) fn query(&self) -> String {
        format!("?key={}", self.secret)
    }

    /// The cookie that a browser is given: no script sees it, and no request that another page makes carries it. Cookies know no
    /// ports, so that its name has one.
    pub(crate) fn cookie(&self) -> String {
        format!("{}={}; Path=/; HttpOnly; SameSite=Strict", self.cookie_name(), self.secret)
    }

    fn cookie_name(&self) -> String {
        format!("dodge-studio-{}", self.port)
    }

    pub(crate) fn check(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<Pass, Refused> {
        let host = self.host(headers).ok_or(Refused::Host)?;
        let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("none"));
        let origin = headers.get(ORIGIN).map(|origin| origin.to_str().unwrap_or("none"));
        if origin.is_some_and(|origin| !origin.eq_ignore_ascii_case(&format!("http://{host}"))) {
            return Err(Refused::Origin);
        }
        // A link in another page may lead here; what a page itself asks for may not come from another one.
        let leads_here = method == Method::GET && text("sec-fetch-mode") == Some("navigate");
        if matches!(text("sec-fetch-site"), Some("cross-site" | "same-site")) && !leads_here {
            return Err(Refused::Origin);
        }
        if self.has_token(headers) {
            return Ok(Pass::Known);
        }
        if uri.path() == "/" && method == Method::GET && uri.query().is_some_and(|query| self.is_key(query)) {
            return Ok(Pass::Entering);
        }
        if !self.has_cookie(headers) {
            return Err(Refused::Secret);
        }
        // Browsers name the origin of whatever changes something.
        if method != Method::GET && origin.is_none() {
            return Err(Refused::Origin);
        }
        Ok(Pass::Known)
    }

    /// The host that was asked for, where it is one.
    fn host<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        let mut hosts = headers.get_all(HOST).iter();
        let host = hosts.next()?.to_str().ok()?;
        let authority: Authority = host.parse().ok()?;
        let name = authority.host().trim_start_matches('[').trim_end_matches(']');
        let is_here = match name.parse::<IpAddr>() {
            Ok(address) => address.is_loopback() || !self.is_loopback,
            Err(_) => name.eq_ignore_ascii_case("localhost"),
        };
        let alone = hosts.next().is_none() && !host.contains('@');
        (is_here && alone && authority.port_u16().unwrap_or(80) == self.port).then_some(host)
    }

    fn has_token(&self, headers: &HeaderMap) -> bool {
        let given = headers.get(AUTHORIZATION).map(|value| value.as_bytes());
        given.is_some_and(|given| equal(given, format!("Bearer {}", self.secret).as_bytes()))
    }

    fn has_cookie(&self, headers: &HeaderMap) -> bool {
        let name = self.cookie_name();
        let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs = cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.any(|(key, value)| key == name && equal(value.as_bytes(), self.secret.as_bytes()))
    }

    fn is_key(&self, query: &str) -> bool {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.any(|(key, value)| key == "key" && equal(value.as_bytes(), self.secret.as_bytes()))
    }
}

/// Compares all bytes whatever they are, so that the time tells nothing about the secret.
fn equal(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |differing, (a, b)| differing | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0123456789abcdef";

    fn check(address: &str, method: &Method, path: &str, headers: &[(&'static str, &str)]) -> Result<Pass, Refused> {
        let gate = Gate::new(SECRET.to_owned(), address.parse().unwrap());
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        gate.check(method, &path.parse().unwrap(), &map)
    }

    const HERE: &str = "127.0.0.1:5006";
    const COOKIE: (&str, &str) = ("cookie", "other=1; dodge-studio-5006=0123456789abcdef");

    #[test]
    fn the_secret_is_needed_for_everything() {
        let host = ("host", HERE);
        for path in ["/", "/page.css", "/api/folder", "/photo/0/thumb"] {
            assert_eq!(check(HERE, &Method::GET, path, &[host]), Err(Refused::Secret), "{path}");
            assert_eq!(check(HERE, &Method::GET, path, &[host, COOKIE]), Ok(Pass::Known));
            let bearer = ("authorization", "Bearer 0123456789abcdef");
            assert_eq!(check(HERE, &Method::POST, path, &[host, bearer]), Ok(Pass::Known));
        }
        assert_eq!(check(HERE, &Method::GET, "/?key=0123456789abcdef", &[host]), Ok(Pass::Entering));
        for (path, cookie) in [
            ("/?key=0123456789abcdeg", "a=b"),
            ("/?key=", "dodge-studio-5006="),
            ("/api/folder?key=0123456789abcdef", "dodge-studio-5007=0123456789abcdef"),
        ] {
            assert_eq!(check(HERE, &Method::GET, path, &[host, ("cookie", cookie)]), Err(Refused::Secret), "{path}");
        }
        assert_eq!(check(HERE, &Method::POST, "/?key=0123456789abcdef", &[host]), Err(Refused::Secret));
    }

    #[test]
    fn names_that_lead_here_are_refused() {
        for host in ["evil.example:5006", "127.0.0.1", "127.0.0.1:5007", "192.168.1.7:5006", "a@127.0.0.1:5006", "["] {
            assert_eq!(check(HERE, &Method::GET, "/", &[("host", host), COOKIE]), Err(Refused::Host), "{host}");
        }
        for host in ["127.0.0.1:5006", "localhost:5006", "[::1]:5006"] {
            assert_eq!(check(HERE, &Method::GET, "/", &[("host", host), COOKIE]), Ok(Pass::Known), "{host}");
        }
        assert_eq!(check(HERE, &Method::GET, "/", &[COOKIE]), Err(Refused::Host));
        assert_eq!(check(HERE, &Method::GET, "/", &[("host", HERE), ("host", HERE), COOKIE]), Err(Refused::Host));
        // Where others may come in, they come by an address.
        let open = "0.0.0.0:5006";
        assert_eq!(check(open, &Method::GET, "/", &[("host", "192.168.1.7:5006"), COOKIE]), Ok(Pass::Known));
        assert_eq!(check(open, &Method::GET, "/", &[("host", "evil.example:5006"), COOKIE]), Err(Refused::Host));
    }

    #[test]
    fn other_pages_are_refused() {
        let host = ("host", HERE);
        for origin in ["http://evil.example", "http://127.0.0.1:8080", "https://127.0.0.1:5006", "null"] {
            for method in [&Method::GET, &Method::POST] {
                let headers = [host, COOKIE, ("origin", origin)];
                assert_eq!(check(HERE, method, "/api/decide", &headers), Err(Refused::Origin), "{origin}");
            }
        }
        let headers = [host, COOKIE, ("origin", "http://127.0.0.1:5006")];
        assert_eq!(check(HERE, &Method::POST, "/api/decide", &headers), Ok(Pass::Known));
        // A browser that names no origin is none.
        assert_eq!(check(HERE, &Method::POST, "/api/decide", &[host, COOKIE]), Err(Refused::Origin));
        for site in ["cross-site", "same-site"] {
            let headers = [host, COOKIE, ("sec-fetch-site", site), ("sec-fetch-mode", "no-cors")];
            assert_eq!(check(HERE, &Method::GET, "/photo/0/thumb", &headers), Err(Refused::Origin));
        }
        let headers = [host, ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")];
        assert_eq!(check(HERE, &Method::GET, "/?key=0123456789abcdef", &headers), Ok(Pass::Entering));
    }
}
