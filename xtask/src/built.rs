//! What the suites build, each thing once in a run.

use std::{cell::OnceCell, process::Command};

use anyhow::Result;

use crate::workspace::Workspace;

/// The workspace, and what was built of it in this run.
pub struct Built {
    /// Where things are.
    pub workspace: Workspace,
    release: OnceCell<()>,
    debug: OnceCell<()>,
}

impl Built {
    /// Nothing built yet.
    pub fn new(workspace: Workspace) -> Self {
        Self {
            workspace,
            release: OnceCell::new(),
            debug: OnceCell::new(),
        }
    }

    /// A command of cargo's.
    pub fn cargo(&self, arguments: &[&str]) -> Command {
        self.workspace.cargo(arguments)
    }

    /// Builds what is released, once.
    pub fn release(&self) -> Result<()> {
        if self.release.get().is_none() {
            self.workspace.build_release()?;
            let _ = self.release.set(());
        }
        Ok(())
    }

    /// Builds for tests, once.
    pub fn debug(&self) -> Result<()> {
        if self.debug.get().is_none() {
            self.workspace.build_debug()?;
            let _ = self.debug.set(());
        }
        Ok(())
    }
}
