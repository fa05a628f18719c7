pub fn run(_: bool) -> anyhow::Result<bool> { Ok(true) }
