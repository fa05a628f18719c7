pub fn list() -> anyhow::Result<bool> { Ok(true) } pub fn run(_: &[String]) -> anyhow::Result<bool> { Ok(true) }
