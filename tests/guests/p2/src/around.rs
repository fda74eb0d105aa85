//! What a plugin sees of the machine: it should be nothing.

use std::fmt::Write as _;

use wasip2::http::types::ResponseOutparam;

use crate::answer::Answer;

/// One line to standard output, one to standard error.
pub fn print(out: ResponseOutparam) {
    println!("a line on standard output");
    eprintln!("a line on standard error");
    Answer::start(out, 200, &[]).text("printed");
}

/// Lists environment, arguments, folders, sockets and standard input, one line each: `env=0 args=0 ...`.
pub fn look(out: ResponseOutparam) {
    let mut seen = String::new();
    let folders = wasip2::filesystem::preopens::get_directories();
    let _ = writeln!(seen, "env={}", std::env::vars().count());
    let _ = writeln!(seen, "args={}", std::env::args().count());
    let _ = writeln!(seen, "folders={}", folders.len());
    let _ = writeln!(seen, "root={}", std::fs::read_dir("/").is_ok());
    let _ = writeln!(seen, "passwd={}", std::fs::read("/etc/passwd").is_ok());
    let _ = writeln!(seen, "socket={}", socket());
    let _ = writeln!(seen, "name={}", name());
    let _ = writeln!(seen, "stdin={}", std::io::read_to_string(std::io::stdin()).unwrap_or_default().len());
    let _ = writeln!(seen, "clock={}", std::time::SystemTime::now() > std::time::UNIX_EPOCH);
    Answer::start(out, 200, &[]).text(&seen);
}

/// Whether a TCP socket could be bound.
fn socket() -> bool {
    use wasip2::sockets::network::{IpAddressFamily, IpSocketAddress, Ipv4SocketAddress};
    let network = wasip2::sockets::instance_network::instance_network();
    let Ok(socket) = wasip2::sockets::tcp_create_socket::create_tcp_socket(IpAddressFamily::Ipv4) else {
        return false;
    };
    let address = IpSocketAddress::Ipv4(Ipv4SocketAddress { port: 0, address: (127, 0, 0, 1) });
    let bound = socket.start_bind(&network, address).is_ok() && socket.finish_bind().is_ok();
    bound
}

/// Whether a name could be looked up.
fn name() -> bool {
    let network = wasip2::sockets::instance_network::instance_network();
    let Ok(stream) = wasip2::sockets::ip_name_lookup::resolve_addresses(&network, "localhost") else {
        return false;
    };
    stream.subscribe().block();
    matches!(stream.resolve_next_address(), Ok(Some(_)))
}
