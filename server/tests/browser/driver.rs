//! A browser without a window, and the few WebDriver calls that the tests need.

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

/// How long something may take to appear.
const DEADLINE: Duration = Duration::from_secs(20);
/// How the protocol marks an element in its answers.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Finds text whose contrast with what is behind it is under 4.5 to 1.
pub const LOW_CONTRAST: &str = r"
const light = ([r, g, b]) => [r, g, b]
  .map((part) => part / 255)
  .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
  .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
const numbers = (color) => color.match(/[\d.]+/g).map(Number);
const ground = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const color = numbers(getComputedStyle(at).backgroundColor);
    if (color.length === 3 || color[3] === 1) return color;
  }
  return [255, 255, 255];
};
return [...document.querySelectorAll('body *')]
  .filter((one) => one.checkVisibility() && [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
  .filter((one) => {
    const [a, b] = [light(numbers(getComputedStyle(one).color)), light(ground(one))].sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05) < 4.5;
  })
  .map((one) => one.outerHTML.slice(0, 80));
";

/// One browser with one page.
pub struct Browser {
    driver: Child,
    agent: ureq::Agent,
    session: String,
}

impl Browser {
    /// Starts the driver and a browser.
    pub fn start() -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is needed: Debian has it in the package chromium-driver");
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = loop {
            let line = lines.next().expect("the driver did not start").unwrap();
            if let Some((_, port)) = line.split_once("started successfully on port ") {
                break port.trim_end_matches('.').to_owned();
            }
        };
        // What it says later must find a reader.
        std::thread::spawn(move || lines.for_each(drop));
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(60)))
            .build()
            .into();
        let mut browser = Self {
            driver,
            agent,
            session: format!("http://127.0.0.1:{port}/session"),
        };
        let flags = [
            "--headless=new",
            // Tests run as root in containers, where the browser's own sandbox cannot.
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-proxy-server",
            "--hide-scrollbars",
            "--window-size=1280,1000",
        ];
        let answer = browser.call(
            "",
            &json!({ "capabilities": { "alwaysMatch": {
                "browserName": "chrome",
                "goog:chromeOptions": { "args": flags },
                "goog:loggingPrefs": { "browser": "ALL" },
            }}}),
        );
        browser.session = format!(
            "{}/{}",
            browser.session,
            answer["sessionId"].as_str().unwrap()
        );
        browser
    }

    fn try_call(&self, path: &str, body: &Value) -> Result<Value, Value> {
        let url = format!("{}{path}", self.session);
        let mut answer = self.agent.post(url).send(body.to_string()).unwrap();
        let text = answer
            .body_mut()
            .with_config()
            .limit(64 << 20)
            .read_to_string()
            .unwrap();
        let value = serde_json::from_str::<Value>(&text).unwrap()["value"].clone();
        if answer.status().is_success() {
            Ok(value)
        } else {
            Err(value)
        }
    }

    fn call(&self, path: &str, body: &Value) -> Value {
        self.try_call(path, body)
            .unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    fn protocol(&self, command: &str, parameters: &Value) -> Value {
        self.call(
            "/goog/cdp/execute",
            &json!({ "cmd": command, "params": parameters }),
        )
    }

    /// Goes to a page.
    pub fn open(&self, url: &str) {
        self.call("/url", &json!({ "url": url }));
    }

    /// Runs a function's body in the page.
    pub fn script(&self, body: &str) -> Value {
        self.call("/execute/sync", &json!({ "script": body, "args": [] }))
    }

    fn element(&self, selector: &str) -> String {
        let found = self.call(
            "/element",
            &json!({ "using": "css selector", "value": selector }),
        );
        found[ELEMENT].as_str().unwrap().to_owned()
    }

    /// As a mouse does it.
    pub fn click(&self, selector: &str) {
        self.call(
            &format!("/element/{}/click", self.element(selector)),
            &json!({}),
        );
    }

    /// As a keyboard does it, in place of what stands there.
    pub fn type_into(&self, selector: &str, text: &str) {
        let element = self.element(selector);
        // A button has nothing to be cleared.
        let _ = self.try_call(&format!("/element/{element}/clear"), &json!({}));
        self.call(
            &format!("/element/{element}/value"),
            &json!({ "text": text }),
        );
    }

    /// What stands in the page, seen or not.
    pub fn text(&self, selector: &str) -> String {
        let script = "return document.querySelector(arguments[0])?.textContent ?? ''";
        let text = self.call(
            "/execute/sync",
            &json!({ "script": script, "args": [selector] }),
        );
        text.as_str().unwrap().to_owned()
    }

    pub fn attribute(&self, selector: &str, name: &str) -> String {
        let script = "return document.querySelector(arguments[0]).getAttribute(arguments[1])";
        let text = self.call(
            "/execute/sync",
            &json!({ "script": script, "args": [selector, name] }),
        );
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until text can be seen there.
    pub fn wait_for_text(&self, selector: &str, text: &str) {
        let begun = Instant::now();
        let script = "return [...document.querySelectorAll(arguments[0])].some(one => one.checkVisibility() && one.textContent.includes(arguments[1]))";
        while self.call(
            "/execute/sync",
            &json!({ "script": script, "args": [selector, text] }),
        ) != true
        {
            assert!(
                begun.elapsed() < DEADLINE,
                "{text:?} did not appear in {selector}: {}",
                self.text(selector)
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// What the browser complained of.
    pub fn log(&self) -> Vec<String> {
        let lines = self.call("/se/log", &json!({ "type": "browser" }));
        lines
            .as_array()
            .unwrap()
            .iter()
            .map(|line| line["message"].to_string())
            .collect()
    }

    /// Shows the page on a screen of this width, as a person with this preference has it.
    pub fn screen(&self, width: u32, scheme: &str) {
        let narrow = width < 600;
        let metrics = json!({ "width": width, "height": if narrow { 844 } else { 900 }, "deviceScaleFactor": if narrow { 2 } else { 1 }, "mobile": narrow });
        self.protocol("Emulation.setDeviceMetricsOverride", &metrics);
        self.protocol(
            "Emulation.setEmulatedMedia",
            &json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] }),
        );
    }

    /// Keeps a picture of the whole page.
    pub fn picture(&self, name: &str) {
        let size = self.protocol("Page.getLayoutMetrics", &json!({}))["cssContentSize"].clone();
        let clip =
            json!({ "x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1 });
        let shot = self.protocol(
            "Page.captureScreenshot",
            &json!({ "captureBeyondViewport": true, "clip": clip }),
        );
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("console");
        std::fs::create_dir_all(&folder).unwrap();
        let bytes = STANDARD.decode(shot["data"].as_str().unwrap()).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), bytes).unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Ends the browser; the driver is ours to end.
        let _ = self.agent.delete(&self.session).call();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
