//! The blocks of C and C++ in the project's pages. A whole program is compared with the file that
//! runs; a piece of one has to compile as the body of a function.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use crate::{captured::Captured, workspace::Workspace};

const WARNINGS: [&str; 4] = ["-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter"];

/// Every page.
const FOLDERS: [&str; 5] = [".", "docs", "docs/decisions", "examples-c", "packaging"];

/// What a piece takes from the program around it, by the header that it includes.
const AROUND: [(&str, &str); 3] = [
    (
        "tim/TIMCloud.h",
        "extern const char *user_sig;
         extern void *user_data;
         extern TIMCommCallback on_login, on_deleted;",
    ),
    (
        "adieu.hpp",
        "extern const char *user_sig;
         void show_gone();
         void show(int code, bool retryable);",
    ),
    (
        "v2tim/V2TIMManager.h",
        "extern const char *user_sig;
         struct Callback : V2TIMCallback {
             void OnSuccess() override {}
             void OnError(int, const V2TIMString &) override {}
         };",
    ),
];

/// Compiles all blocks of a language.
pub fn compile(workspace: &Workspace, language: &str, captured: &mut Captured) -> Result<()> {
    let folder = workspace.scratch("bindings").join("blocks");
    fs::create_dir_all(&folder).context("cannot make the folder of the pages' blocks")?;
    let mut count = 0;
    for page in pages(&workspace.root)? {
        let text =
            fs::read_to_string(&page).with_context(|| format!("cannot read {}", page.display()))?;
        for block in blocks(&text, language) {
            count += 1;
            let source = folder.join(format!("block{count}.{language}"));
            fs::write(&source, program(block)).context("cannot write a block")?;
            let (compiler, standard) = match language {
                "c" => ("gcc", "-std=c99"),
                _ => ("g++", "-std=c++17"),
            };
            let compiled = captured.run(
                Command::new(compiler)
                    .arg(standard)
                    .args(WARNINGS)
                    .args(["-fsyntax-only", "-I"])
                    .arg(workspace.root.join("include"))
                    .arg(&source),
            )?;
            ensure!(
                compiled,
                "a block of {} does not compile:\n{block}",
                page.display()
            );
        }
    }
    ensure!(count > 0, "no page has a block of {language}");
    Ok(())
}

fn pages(root: &Path) -> Result<Vec<PathBuf>> {
    let mut folders: Vec<PathBuf> = FOLDERS.iter().map(|folder| root.join(folder)).collect();
    for wrapper in fs::read_dir(root.join("bindings")).context("cannot read bindings/")? {
        folders.push(wrapper.context("cannot read bindings/")?.path());
    }
    let mut pages = Vec::new();
    for folder in folders.iter().filter(|folder| folder.is_dir()) {
        let entries =
            fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
        for entry in entries {
            let path = entry.context("cannot read a folder of pages")?.path();
            if path.extension().is_some_and(|extension| extension == "md") {
                pages.push(path);
            }
        }
    }
    pages.sort();
    Ok(pages)
}

fn blocks<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let begin = format!("```{language}\n");
    page.split(&begin)
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect()
}

fn program(block: &str) -> String {
    if block.contains("int main(") {
        return block.to_owned();
    }
    let (includes, piece): (Vec<&str>, Vec<&str>) =
        block.lines().partition(|line| line.starts_with("#include"));
    let around: Vec<&str> = AROUND
        .iter()
        .filter(|(header, _)| block.contains(&format!("<{header}>")))
        .map(|(_, text)| *text)
        .collect();
    format!(
        "{}\n{}\nvoid piece(void);\nvoid piece(void) {{\n{}\n}}\n",
        includes.join("\n"),
        around.join("\n"),
        piece.join("\n")
    )
}
