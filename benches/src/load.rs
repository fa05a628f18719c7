//! Deletions by many connections at once, on both engines, and in a long conversation.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

use crate::{
    engine::{Engine, Run, execute, program},
    report::{Goal, Report, Row},
    server::{APP_ID, Server, import_into, user_sig},
    statistics::Samples,
};

/// Connections, each of an account of its own.
const CONNECTIONS: usize = 64;
/// Conversations of an account.
const CONVERSATIONS: usize = 20;

pub fn run(report: &mut Report, run: &Run) -> Result<()> {
    let seconds = Duration::from_secs(run.scaled(1, 3));
    let long = run.scaled(50_000, 1_000_000);
    let folder = tempfile::tempdir()?;
    let log = folder.path().join("log.jsonl");
    write_log(&log, long)?;

    let sqlite = Engine::Embedded.store(folder.path());
    import_into(folder.path(), &sqlite, &log)?;
    let server = Server::start_on(folder.path(), &sqlite, &[])?;
    let clients = clients(folder.path(), &server)?;
    let (nothing, _) = rate(&clients, seconds, refused)?;
    report.figure(
        "SQLite: requests that need no storage, by 64 connections",
        nothing,
        "requests/s",
    );
    by_fewer(report, "SQLite", &clients, run)?;
    let (deletions, samples) = rate(&clients, seconds, deletion)?;
    report.add(
        Row::value(
            "SQLite: deletions by 64 connections",
            deletions,
            "deletions/s",
        )
        .over("requests that need no storage", nothing)
        .goal(Goal::AtLeast(0.3)),
    );
    report.add(Row::samples("SQLite: each of them", &samples, "µs"));
    length(report, "SQLite", &clients, run)?;
    drop(server);

    let Some(postgres) = run.postgres(report) else {
        return Ok(());
    };
    let url = postgres.store(folder.path());
    import_into(folder.path(), &url, &log)?;
    execute(&url, "VACUUM ANALYZE");
    let script = folder.path().join("deletion.sql");
    std::fs::write(&script, STATEMENTS)?;
    // One before and one after: the machine is not the same all the time.
    let before = bare(&url, &script, seconds)?;
    let server = Server::start_on(folder.path(), &format!("{url}?pool_size=32"), &[])?;
    let clients = self::clients(folder.path(), &server)?;
    by_fewer(report, "PostgreSQL", &clients, run)?;
    let (deletions, samples) = rate(&clients, seconds, deletion)?;
    let after = bare(&url, &script, seconds)?;
    report.add(
        Row::value(
            "PostgreSQL: deletions by 64 connections",
            deletions,
            "deletions/s",
        )
        .over("bare statements, the better of two", before.max(after))
        .goal(Goal::AtLeast(0.5)),
    );
    report.add(Row::samples("PostgreSQL: each of them", &samples, "µs"));
    length(report, "PostgreSQL", &clients, run)
}

/// Deletions a second by fewer connections than all.
fn by_fewer(report: &mut Report, engine: &str, clients: &[Client], run: &Run) -> Result<()> {
    let time = Duration::from_millis(run.scaled(500, 1_500));
    for count in run.scaled(&[1, 8][..], &[1, 2, 4, 8, 16, 32]) {
        let (deletions, _) = rate(clients.get(..*count).context("clients")?, time, deletion)?;
        let plural = if *count == 1 { "" } else { "s" };
        report.figure(
            &format!("{engine}: deletions by {count} connection{plural}"),
            deletions,
            "deletions/s",
        );
    }
    Ok(())
}

/// What a deletion does, and nothing else.
const STATEMENTS: &str = "\\set i random(0, 63)
\\set j random(0, 19)
BEGIN;
WITH named AS MATERIALIZED (SELECT o.id AS owner, (SELECT c.id FROM accounts p JOIN conversations c
        ON c.kind = 1 AND c.low = least(o.id, p.id) AND c.high = greatest(o.id, p.id)
        WHERE p.name = 'p' || :j) AS conversation FROM accounts o WHERE o.name = 'a' || :i)
    SELECT v.cleared_through, c.head, n.owner AS owner_row, n.conversation AS conversation_row, s.sync_deletions
    FROM named n JOIN views v ON v.owner = n.owner AND v.conversation = n.conversation
    JOIN conversations c ON c.id = n.conversation CROSS JOIN settings s FOR UPDATE OF v \\gset
UPDATE views SET version = pg_current_xact_id()::text::bigint, cleared_through = 10, read_through = 10, hidden_through = 10
    WHERE owner = :owner_row AND conversation = :conversation_row;
INSERT INTO purge_work (conversation, change) VALUES (:conversation_row, pg_current_xact_id()::text::bigint);
INSERT INTO deletions (number, owner, target, clear, cut_off, at)
    VALUES (pg_current_xact_id()::text::bigint * 128 + 127, :owner_row, 'c2c_p', true, 10, 1900000000);
COMMIT;
";

fn bare(url: &str, script: &Path, time: Duration) -> Result<f64> {
    let done = program("pgbench")
        .args(["-n", "-M", "prepared", "-c", "64", "-j", "2"])
        .args(["-T", &time.as_secs().to_string(), "-f"])
        .arg(script)
        .arg(url)
        .output()?;
    ensure!(
        done.status.success(),
        "pgbench: {}",
        String::from_utf8_lossy(&done.stderr)
    );
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    let tps = text
        .lines()
        .find_map(|line| line.strip_prefix("tps = "))
        .context("pgbench said no tps")?;
    Ok(tps
        .split_whitespace()
        .next()
        .context("no number")?
        .parse()?)
}

fn write_log(path: &Path, long: usize) -> Result<()> {
    let mut log = std::io::BufWriter::new(std::fs::File::create(path)?);
    let mut line = |one: &str, other: &str, time: usize| {
        writeln!(
            log,
            "{{\"conversation\":\"c2c_{one}:{other}\",\"sender\":\"{one}\",\"time\":{time},\"text\":\"message {time} of a conversation between two\"}}"
        )
    };
    for account in 0..CONNECTIONS {
        for conversation in 0..CONVERSATIONS {
            for at in 0..10 {
                line(
                    &format!("a{account}"),
                    &format!("p{conversation}"),
                    1_700_000_000 + at,
                )?;
            }
        }
    }
    for at in 0..long {
        line("a0", "long", 1_700_000_000 + at)?;
    }
    for at in 0..10 {
        line("a0", "short", 1_700_000_000 + at)?;
    }
    Ok(log.flush()?)
}

/// A connection that is kept, and who it is.
struct Client {
    address: String,
    name: String,
    sig: String,
}

fn clients(folder: &Path, server: &Server) -> Result<Vec<Client>> {
    (0..CONNECTIONS)
        .map(|at| {
            let name = format!("a{at}");
            Ok(Client {
                address: server.url.trim_start_matches("http://").to_owned(),
                sig: user_sig(folder, &name)?,
                name,
            })
        })
        .collect()
}

impl Client {
    fn request(&self, body: &str) -> String {
        format!(
            "POST /v4/recentcontact/delete?sdkappid={APP_ID}&identifier={}&usersig={} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}",
            self.name,
            self.sig,
            body.len()
        )
    }

    fn connect(&self) -> Result<BufReader<TcpStream>> {
        let stream = TcpStream::connect(&self.address)?;
        stream.set_nodelay(true)?;
        Ok(BufReader::new(stream))
    }
}

/// Deletes one of the account's conversations.
fn deletion(client: &Client, at: usize) -> (String, bool) {
    let body = format!(
        "{{\"From_Account\":\"{}\",\"Type\":1,\"To_Account\":\"p{}\",\"ClearRamble\":1}}",
        client.name,
        at % CONVERSATIONS
    );
    (client.request(&body), true)
}

/// The same of another account: routed, read and signed in, and refused without a look.
fn refused(client: &Client, at: usize) -> (String, bool) {
    let body = format!(
        "{{\"From_Account\":\"x{}\",\"Type\":1,\"To_Account\":\"p{}\",\"ClearRamble\":1}}",
        client.name,
        at % CONVERSATIONS
    );
    (client.request(&body), false)
}

/// Sends, and reads the whole answer.
fn exchange(stream: &mut BufReader<TcpStream>, request: &(String, bool)) -> Result<Duration> {
    let begun = Instant::now();
    stream.get_mut().write_all(request.0.as_bytes())?;
    let (mut line, mut length) = (String::new(), 0);
    loop {
        line.clear();
        stream.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse()?;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    let took = begun.elapsed();
    let succeeded = body.windows(14).any(|part| part == b"\"ErrorCode\":0,");
    ensure!(succeeded == request.1, "{}", String::from_utf8_lossy(&body));
    Ok(took)
}

/// How many a second by all clients, and what each took.
fn rate(
    clients: &[Client],
    time: Duration,
    request: fn(&Client, usize) -> (String, bool),
) -> Result<(f64, Samples)> {
    let stop = AtomicBool::new(false);
    let begun = Instant::now();
    let mut all = Samples::default();
    std::thread::scope(|scope| -> Result<()> {
        let asking: Vec<_> = clients
            .iter()
            .map(|client| {
                let stop = &stop;
                scope.spawn(move || -> Result<Samples> {
                    let mut stream = client.connect()?;
                    let mut samples = Samples::default();
                    let mut at = 0;
                    while !stop.load(Ordering::Relaxed) {
                        samples.push(exchange(&mut stream, &request(client, at))?);
                        at += 1;
                    }
                    Ok(samples)
                })
            })
            .collect();
        std::thread::sleep(time);
        stop.store(true, Ordering::Relaxed);
        for one in asking {
            all.append(
                one.join()
                    .map_err(|_| anyhow::anyhow!("a client broke off"))??,
            );
        }
        Ok(())
    })?;
    Ok((all.count() as f64 / begun.elapsed().as_secs_f64(), all))
}

/// Deletions in a long conversation against those in a short one, in turn. The cut-off stays below
/// the head, so that the conversation is as long at the last as at the first.
fn length(report: &mut Report, engine: &str, clients: &[Client], run: &Run) -> Result<()> {
    let client = clients.first().context("no client")?;
    let mut stream = client.connect()?;
    let (mut short, mut long) = (Samples::default(), Samples::default());
    for _ in 0..run.scaled(300, 2_500) {
        for (peer, samples) in [("short", &mut short), ("long", &mut long)] {
            let body = format!(
                "{{\"From_Account\":\"a0\",\"Type\":1,\"To_Account\":\"{peer}\",\"ClearRamble\":1,\"CutOff\":5}}"
            );
            samples.push(exchange(&mut stream, &(client.request(&body), true))?);
        }
    }
    report.add(Row::samples(
        format!("{engine}: among ten messages"),
        &short,
        "µs",
    ));
    report.add(Row::samples(
        format!("{engine}: among very many"),
        &long,
        "µs",
    ));
    report.add(
        Row::value(
            format!("{engine}: 99th percentiles of these"),
            long.quantile(0.99),
            "µs",
        )
        .over("among ten", short.quantile(0.99))
        .goal(Goal::AtMost(1.3)),
    );
    Ok(())
}
