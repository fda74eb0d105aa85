//! Other caches, each before raw hyper, that give the same object again and again.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::server::{Server, free_address};

/// nginx with `proxy_cache`; the object is kept for an hour.
pub(crate) fn start_nginx(program: &Path, folder: &Path, behind: SocketAddr) -> Result<Server> {
    let address = free_address()?;
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("  {name}_temp_path {name};\n"))
        .concat();
    let config = format!(
        "daemon off;\npid nginx.pid;\nerror_log stderr error;\nworker_processes auto;\n\
         events {{ worker_connections 1024; }}\n\
         http {{\n{temporary}  access_log off;\n  keepalive_requests 1000000000;\n\
           proxy_cache_path kept keys_zone=kept:10m;\n\
           server {{ listen {address}; location / {{ proxy_pass http://{behind}; proxy_cache kept; \
           proxy_cache_valid 200 1h; }} }}\n}}\n"
    );
    fs::write(folder.join("nginx.conf"), config)?;
    // Its workers are another user.
    open(folder)?;
    let mut command = Command::new(program);
    command.arg("-p").arg(folder).args(["-c", "nginx.conf"]);
    let mut server = Server::start(&mut command, address, &folder.join("log"))?;
    server.await_hello()?;
    Ok(server)
}

/// Varnish with 64 MiB of memory; the object is kept for an hour.
pub(crate) fn start_varnish(folder: &Path, behind: SocketAddr) -> Result<Server> {
    let address = free_address()?;
    let vcl = format!(
        "vcl 4.1;\nbackend default {{ .host = \"{}\"; .port = \"{}\"; }}\n\
         sub vcl_backend_response {{ set beresp.ttl = 1h; }}\n",
        behind.ip(),
        behind.port()
    );
    fs::write(folder.join("kept.vcl"), vcl)?;
    open(folder)?;
    let mut command = Command::new("varnishd");
    command.args(["-F", "-S", "none", "-s", "malloc,64m", "-T", "127.0.0.1:0"]);
    command.arg("-n").arg(folder.join("varnish")).arg("-a").arg(address.to_string());
    command.arg("-f").arg(folder.join("kept.vcl"));
    let mut server = Server::start(&mut command, address, &folder.join("log"))
        .context("Varnish; sudo apt-get install -y varnish")?;
    server.await_hello()?;
    Ok(server)
}

fn open(folder: &Path) -> Result<()> {
    let everybody = fs::Permissions::from_mode(0o777);
    Ok(fs::set_permissions(folder, everybody)?)
}
