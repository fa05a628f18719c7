//! The samples of the vendor's two pages, cut out of their text.

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};

/// Where the pages lie beside the project, on machines that have them.
const PAGES: &str = "../shared/seeds";

/// One sample.
#[derive(Clone, Copy)]
pub enum Sample {
    /// Windows.
    Cpp,
    /// iOS and macOS.
    ObjectiveC,
    /// Android.
    Java,
    /// The web.
    Js,
    /// The line with the call, on the same page.
    JsCall,
}

impl Sample {
    fn page(self) -> &'static str {
        match self {
            Self::Cpp | Self::ObjectiveC | Self::Java => "native-delete-conversation.txt",
            Self::Js | Self::JsCall => "web-delete-conversation.txt",
        }
    }

    /// What stands before the sample and after it.
    fn fence(self) -> (&'static str, &'static str) {
        match self {
            Self::Cpp => ("```cpp\n", "```"),
            Self::ObjectiveC => ("```objectivec\n", "```"),
            Self::Java => ("```java\n", "```"),
            Self::JsCall => ("**API**\n\n<dx-codeblock>\n:::  js\n", ":::"),
            Self::Js => ("**Sample**\n\n<dx-codeblock>\n:::  js\n", ":::"),
        }
    }

    /// Its text; nothing on a machine without the pages.
    pub fn read(self, root: &Path) -> Result<Option<String>> {
        let path = root.join(PAGES).join(self.page());
        if !path.is_file() {
            return Ok(None);
        }
        let page = fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}", path.display()))?
            .replace("\r\n", "\n");
        let (begin, end) = self.fence();
        let sample = page
            .split_once(begin)
            .and_then(|(_, rest)| rest.split_once(end))
            .map(|(sample, _)| sample);
        sample
            .map(|sample| Some(sample.to_owned()))
            .with_context(|| format!("{} has no {begin:?}", path.display()))
    }
}

/// Says why a sample did not run.
pub const SKIPPED: &str = "skipped: the pages with the samples are not on this machine";

/// Puts one text in the place of another, which must be there exactly once.
pub fn replace(sample: &str, from: &str, to: &str) -> Result<String> {
    ensure!(
        sample.matches(from).count() == 1,
        "the sample has {from:?} {} times",
        sample.matches(from).count()
    );
    Ok(sample.replace(from, to))
}
