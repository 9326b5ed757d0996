//! What somebody does to a page: with the mouse and the keyboard, on what a screen
//! reader would tell them of.

use serde_json::{Value, json};

use super::Page;

/// Where to press, if nothing lies over it. A label stands for what it is a label of.
const PLACE: &str = "function() {
    this.scrollIntoView({ block: 'center', inline: 'center', behavior: 'instant' });
    const box = this.getClientRects()[0];
    if (!box) return null;
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    const hit = document.elementFromPoint(x, y);
    const own = this.contains(hit) || hit?.closest('label')?.control === this;
    return own ? { x, y } : null;
}";

/// Puts the cursor into a field, with all that is in it marked.
const ENTER: &str = "function() { this.focus(); this.select?.(); }";

const CHOOSE: &str = "function(text) {
    const option = [...(this.options ?? [])].find(it => it.label.trim() === text);
    if (!option) return false;
    option.selected = true;
    this.dispatchEvent(new Event('input', { bubbles: true }));
    this.dispatchEvent(new Event('change', { bubbles: true }));
    return true;
}";

/// What text can be written into.
const FIELDS: [&str; 5] = ["textbox", "searchbox", "spinbutton", "combobox", "Date"];

/// A key that is pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "what keyboards say on them")]
pub enum Key {
    Tab,
    ShiftTab,
    Enter,
    Space,
    Escape,
    Backspace,
    ArrowUp,
    ArrowDown,
    ArrowLeft,
    ArrowRight,
}

impl Page {
    /// Presses the one thing that has this role and this name: a `button`, a `link`, a
    /// `checkbox`. Waits until it is there and can be pressed.
    ///
    /// # Panics
    ///
    /// When it never is, or when there are several.
    pub async fn click(&self, role: &str, name: &str) {
        let place = self.place(role, name).await;
        self.press_at(&place).await;
    }

    /// The same, where another page comes of it: waits until that is there.
    ///
    /// # Panics
    ///
    /// When none comes.
    pub async fn follow(&self, role: &str, name: &str) {
        let place = self.place(role, name).await;
        let before = self.shown();
        self.press_at(&place).await;
        self.until_after(&before).await;
    }

    /// Writes `text` into the field with this label, in the place of what is there.
    ///
    /// # Panics
    ///
    /// When there is no such field.
    pub async fn fill(&self, label: &str, text: &str) {
        let what = format!("there is one field called {label:?}");
        let enter = async || {
            let field = self.only(&FIELDS, label).await?;
            self.on(&field, ENTER, &[]).await
        };
        self.patiently(&what, enter).await;
        if text.is_empty() {
            self.press(Key::Backspace).await;
        } else {
            self.order("Input.insertText", json!({ "text": text })).await;
        }
    }

    /// Chooses the option that is written as `option` of the list with this label.
    ///
    /// # Panics
    ///
    /// When there is no such list, or no such option.
    pub async fn choose(&self, label: &str, option: &str) {
        let what = format!("{label:?} has an option {option:?}");
        let choose = async || {
            let list = self.only(&["combobox", "listbox"], label).await?;
            let chosen = self.on(&list, CHOOSE, &[option]).await?;
            (chosen == true).then_some(())
        };
        self.patiently(&what, choose).await;
    }

    /// Presses a key, wherever the cursor is.
    pub async fn press(&self, key: Key) {
        let (name, code, text) = key.parts();
        let shift = if key == Key::ShiftTab { 8 } else { 0 };
        let mut event = json!({
            "type": if text.is_empty() { "rawKeyDown" } else { "keyDown" },
            "key": name, "code": name, "windowsVirtualKeyCode": code, "modifiers": shift,
        });
        if !text.is_empty() {
            event["text"] = text.into();
        }
        if key == Key::Space {
            event["key"] = " ".into();
        }
        self.order("Input.dispatchKeyEvent", event.clone()).await;
        event["type"] = "keyUp".into();
        self.order("Input.dispatchKeyEvent", event).await;
    }

    /// The same, where another page comes of it.
    ///
    /// # Panics
    ///
    /// When none comes.
    pub async fn press_and_follow(&self, key: Key) {
        let before = self.shown();
        self.press(key).await;
        self.until_after(&before).await;
    }

    /// The role and the name of what the keyboard acts on.
    pub async fn focused(&self) -> (String, String) {
        let with = json!({ "expression": "document.activeElement" });
        let element = self.order("Runtime.evaluate", with).await;
        let element = &element["result"]["objectId"];
        let with = json!({ "objectId": element, "fetchRelatives": false });
        let nodes = self.order("Accessibility.getPartialAXTree", with).await;
        let node = &nodes["nodes"][0];
        (value_of(&node["role"]), value_of(&node["name"]))
    }

    /// How many things have this role and this name now.
    pub async fn count(&self, role: &str, name: &str) -> usize {
        self.all(&[role], name).await.map_or(0, |found| found.len())
    }

    /// Waits until there is one thing with this role and this name.
    ///
    /// # Panics
    ///
    /// When there never is, or when there are several.
    pub async fn shows(&self, role: &str, name: &str) {
        let what = format!("there is one {role} called {name:?}");
        self.patiently(&what, async || self.only(&[role], name).await).await;
    }

    /// The role and the name of each thing there is.
    pub(super) async fn things(&self) -> Option<Vec<String>> {
        let nodes = self.nodes(json!({})).await?;
        let named = nodes.iter().filter(|node| {
            let text =
                ["StaticText", "InlineTextBox"].iter().any(|it| node["role"]["value"] == **it);
            !text && !value_of(&node["name"]).is_empty()
        });
        let thing = |it: &Value| format!("{} {:?}", value_of(&it["role"]), value_of(&it["name"]));
        Some(named.map(thing).collect())
    }

    /// Where such a thing is, once it can be pressed.
    async fn place(&self, role: &str, name: &str) -> Value {
        let what = format!("one {role} called {name:?} can be pressed");
        let look = async || {
            let found = self.only(&[role], name).await?;
            let place = self.on(&found, PLACE, &[]).await?;
            (!place.is_null()).then_some(place)
        };
        self.patiently(&what, look).await
    }

    async fn press_at(&self, place: &Value) {
        for kind in ["mouseMoved", "mousePressed", "mouseReleased"] {
            let button = if kind == "mouseMoved" { "none" } else { "left" };
            let event = json!({
                "type": kind, "x": place["x"], "y": place["y"], "button": button, "clickCount": 1,
            });
            self.order("Input.dispatchMouseEvent", event).await;
        }
    }

    /// The only thing with one of these roles and this name, as the browser calls it.
    async fn only(&self, roles: &[&str], name: &str) -> Option<Value> {
        let mut found = self.all(roles, name).await?;
        if found.len() == 1 { found.pop() } else { None }
    }

    /// All of them; nothing while one page takes the place of another.
    async fn all(&self, roles: &[&str], name: &str) -> Option<Vec<Value>> {
        let nodes = self.nodes(json!({ "accessibleName": name })).await?;
        let nodes = nodes.iter();
        let nodes = nodes.filter(|node| roles.iter().any(|role| node["role"]["value"] == **role));
        Some(nodes.map(|node| node["backendDOMNodeId"].clone()).collect())
    }

    /// What a screen reader is told of all that is `wanted`.
    async fn nodes(&self, mut wanted: Value) -> Option<Vec<Value>> {
        let document = json!({ "expression": "document" });
        let document = self.call("Runtime.evaluate", document).await.ok()?;
        wanted["objectId"] = document["result"]["objectId"].clone();
        let mut answer = self.call("Accessibility.queryAXTree", wanted).await.ok()?;
        let Value::Array(mut nodes) = answer["nodes"].take() else { return None };
        nodes.retain(|node| node["ignored"] == false);
        Some(nodes)
    }

    /// Calls a function of a script on such a thing.
    async fn on(&self, node: &Value, function: &str, arguments: &[&str]) -> Option<Value> {
        let object = json!({ "backendNodeId": node });
        let object = self.call("DOM.resolveNode", object).await.ok()?;
        let arguments: Vec<_> = arguments.iter().map(|it| json!({ "value": it })).collect();
        let with = json!({
            "objectId": object["object"]["objectId"],
            "functionDeclaration": function,
            "arguments": arguments,
            "returnByValue": true,
        });
        let mut answer = self.call("Runtime.callFunctionOn", with).await.ok()?;
        answer["exceptionDetails"].is_null().then(|| answer["result"]["value"].take())
    }
}

impl Key {
    /// What scripts call it, its number, and what it writes.
    const fn parts(self) -> (&'static str, u8, &'static str) {
        match self {
            Self::Tab | Self::ShiftTab => ("Tab", 9, ""),
            Self::Enter => ("Enter", 13, "\r"),
            Self::Space => ("Space", 32, " "),
            Self::Escape => ("Escape", 27, ""),
            Self::Backspace => ("Backspace", 8, ""),
            Self::ArrowUp => ("ArrowUp", 38, ""),
            Self::ArrowDown => ("ArrowDown", 40, ""),
            Self::ArrowLeft => ("ArrowLeft", 37, ""),
            Self::ArrowRight => ("ArrowRight", 39, ""),
        }
    }
}

fn value_of(property: &Value) -> String {
    property["value"].as_str().unwrap_or_default().to_owned()
}
