//! Names to addresses, on a thread of their own: the system's resolver may take its time.

use std::net::{SocketAddr, ToSocketAddrs};

use kabar_server::address::{Host, HostPort};

use crate::mail::{Mail, Mailer};

/// Looks `address` up; [`Mail::Resolved`] follows. `Some`: it is an address already, nothing follows.
///
/// # Errors
/// If the system gives no thread.
pub fn resolve(address: &HostPort, mailer: &Mailer) -> std::io::Result<Option<Vec<SocketAddr>>> {
    let name = match &address.host {
        Host::Ip(ip) => return Ok(Some(vec![(*ip, address.port).into()])),
        Host::Name(name) => name.clone(),
    };
    let (port, mailer) = (address.port, mailer.clone());
    let look_up = move || {
        let found = (name.as_str(), port).to_socket_addrs().map(|addresses| {
            let mut all = Vec::new();
            // Resolvers repeat themselves.
            addresses.for_each(|address| {
                if !all.contains(&address) {
                    all.push(address)
                }
            });
            all
        });
        mailer.send(Mail::Resolved(found));
    };
    std::thread::Builder::new().name("kabar-resolve".to_owned()).spawn(look_up)?;
    Ok(None)
}
