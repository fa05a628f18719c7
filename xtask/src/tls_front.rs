//! TLS before a server on this machine, with a certificate that only an authority of the test
//! stands for.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::{children::Running, machine::Need};

/// What the certificates say. Nothing of the machine's own configuration comes in.
const CERTIFICATES: &str = "\
[req]
distinguished_name = name
prompt = no
[name]
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
[server]
basicConstraints = critical,CA:FALSE
subjectAltName = DNS:localhost,IP:127.0.0.1
";

/// It is there until this value goes.
pub struct TlsFront {
    /// https and the address that it listens at.
    pub url: String,
    folder: TempDir,
    _running: Running,
}

impl TlsFront {
    /// Programs that it needs.
    pub const NEEDS: [Need; 2] = [
        Need {
            program: "openssl",
            package: "openssl",
        },
        Need {
            program: "socat",
            package: "socat",
        },
    ];

    /// Stands before the server at this URL.
    pub fn before(url: &str) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("adieu-tls-")
            .tempdir()
            .context("cannot make a temporary folder")?;
        fs::write(folder.path().join("openssl.cnf"), CERTIFICATES)
            .context("cannot write what the certificates say")?;
        certify(&folder, "authority", &[])?;
        let signed = ["-CA", "authority.pem", "-CAkey", "authority.key"];
        certify(&folder, "server", &signed)?;
        let address = url.strip_prefix("http://").context("not an http:// URL")?;
        let running = Running::start(
            Command::new("socat")
                // Says on standard error where it listens.
                .args(["-d", "-d"])
                .arg("OPENSSL-LISTEN:0,bind=127.0.0.1,fork,verify=0,cert=server.pem,key=server.key")
                .arg(format!("TCP:{address}"))
                .current_dir(folder.path())
                .stdin(Stdio::null())
                .stderr(Stdio::piped()),
        )?;
        let mut said = BufReader::new(running.stderr()?);
        let mut line = String::new();
        let port = loop {
            line.clear();
            let read = said
                .read_line(&mut line)
                .context("cannot read from socat")?;
            ensure!(read > 0, "socat does not listen");
            if line.contains("listening on") {
                let port = line.trim().rsplit(':').next().unwrap_or_default();
                break port.parse::<u16>().context("socat names no port")?;
            }
        };
        // What it says of connections nobody reads; a full pipe would hold it up.
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        Ok(Self {
            url: format!("https://127.0.0.1:{port}"),
            folder,
            _running: running,
        })
    }

    /// The file with the authority's certificate.
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
    }
}

/// Makes a key and a certificate.
fn certify(folder: &TempDir, name: &str, signed: &[&str]) -> Result<()> {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-days", "2", "-noenc", "-newkey", "ec"])
        .args(["-pkeyopt", "ec_paramgen_curve:prime256v1"])
        .args(["-config", "openssl.cnf", "-extensions", name])
        .args(["-subj", &format!("/CN=Test {name}")])
        .args(["-keyout", &format!("{name}.key")])
        .args(["-out", &format!("{name}.pem")])
        .args(signed)
        .current_dir(folder.path())
        .output()
        .context("cannot run openssl")?;
    ensure!(
        made.status.success(),
        "openssl made no certificate: {}",
        String::from_utf8_lossy(&made.stderr)
    );
    Ok(())
}
