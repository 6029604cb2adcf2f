"use strict";

const WORDS = {
  en: { language: "Language", key: "The server asks for a key", use: "Use it", text: "Type or paste a text",
    refused: "The server does not take this key.", why: "Show which words led to it", file: "Label a CSV file", choose: "Drop a CSV file here, or choose one",
    model: "Model", column: "Column of the texts", start: "Label it", stop: "Stop", none: "no label",
    busy: "The server is busy; trying again …", lost: "The server cannot be reached.", rows: "rows", done: "Done",
    stopped: "Stopped.", empty: "This file has no rows below its header.",
    damaged: "This file is not valid UTF-8, nor GB18030. Save it as UTF-8.", row: "row", why_region: "Words that led to",
    for: "for", against: "against",
    looking: "Looking for the words …", wrong: "Wrong? Correct it", right: "It should be", keep: "Keep this correction",
    note: "The server then keeps your text, to learn from it.", kept: "Kept. Thank you." },
  zh: { language: "语言", key: "服务器需要密钥", use: "使用", text: "输入或粘贴一段文本",
    refused: "服务器不接受此密钥。", why: "显示起作用的词",
    file: "标注 CSV 文件", choose: "将 CSV 文件拖到此处，或选择文件", model: "模型", column: "文本所在的列",
    start: "开始标注", stop: "停止", none: "无标签", busy: "服务器繁忙，正在重试……", lost: "无法连接服务器。",
    rows: "行", done: "完成", stopped: "已停止。", empty: "该文件除表头外没有任何行。", row: "行",
    damaged: "该文件既不是有效的 UTF-8，也不是 GB18030，请另存为 UTF-8。", why_region: "起作用的词：", for: "支持", against: "反对",
    looking: "正在查找起作用的词……", wrong: "不对？请更正", right: "正确答案", keep: "保存更正", note: "服务器将保存这段文本，用于以后的训练。",
    kept: "已保存，谢谢。" },
};
const SHOWN = 8; // labels of each model
const CHUNK = 100; // rows of a file in one request
const $ = (id) => document.getElementById(id);
let language = "en";
let models = [];
let key = "";
let asked = new AbortController();
let table = null;
let stopped = false;
const t = (name) => WORDS[language][name];

function translate(to) {
  language = to;
  document.documentElement.lang = to === "zh" ? "zh-Hans" : "en";
  $("language").value = to;
  for (const each of document.querySelectorAll("[data-t]")) each.textContent = t(each.dataset.t);
}

function element(tag, text, className) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

async function ask(path, question, signal) {
  const headers = { "Content-Type": "application/json" };
  if (key) headers.Authorization = `Bearer ${key}`;
  const options = question ? { method: "POST", headers, body: JSON.stringify(question), signal } : { headers };
  for (;;) {
    let response;
    try {
      response = await fetch(path, options);
    } catch {
      throw new Error(t("lost")); // or it was aborted, and nobody reads this
    }
    if (response.status === 401) $("key-form").hidden = false;
    if (response.ok) return response.json();
    const answer = await response.json().catch(() => ({}));
    if (response.status !== 503 || path !== "/predict") {
      throw Object.assign(new Error(answer.detail || `${response.status}`), { status: response.status });
    }
    $("status").textContent = t("busy");
    await new Promise((resolve) => setTimeout(resolve, 1000 * (Number(response.headers.get("Retry-After")) || 1)));
    if (!signal?.aborted) $("status").textContent = "";
  }
}

async function predictText() {
  const text = $("text").value;
  asked.abort(); // what was asked about an earlier text
  asked = new AbortController();
  const { signal } = asked;
  $("status").textContent = $("said").textContent = "";
  if (!text.trim()) {
    for (const box of $("answers").children) box.hidden = true;
    return;
  }
  const said = await Promise.all(models.map((model, index) => answer(model, text, $("answers").children[index], signal)));
  if (!signal.aborted) $("said").textContent = said.join("; ");
}

// Fills the box of a model: its answer at once, and what led to it when that is there. Gives the answer in words.
async function answer(model, text, box, signal) {
  const question = { inputs: [text], model: model.name };
  try {
    const lone = model.task !== "regression" && model.task !== "multilabel";
    const all = await ask("/predict", model.task === "regression" ? question : { ...question, top_k: SHOWN }, signal);
    const given = lone ? all.predictions[0].slice(0, 1) : (await ask("/predict", question, signal)).predictions[0];
    const why = element("div", undefined, "why");
    box.replaceChildren(...show(model, given, all.predictions[0]), why);
    if (model.corrections) box.append(correction(model, text, given));
    box.hidden = false;
    if ($("explain").checked) explain(question, text, why, signal);
    return `${model.name}: ${words(given)}`;
  } catch (error) {
    if (!signal.aborted) box.replaceChildren(element("h2", model.name), element("p", error.message, "problem"));
    if (!signal.aborted) box.hidden = false;
    return `${model.name}: ${error.message}`;
  }
}

function words(given) {
  if (!Array.isArray(given)) return rounded(given);
  return given.map(({ label, score }) => `${label} ${score.toFixed(2)}`).join(", ") || t("none");
}

async function explain(question, text, place, signal) {
  place.append(element("p", t("looking"), "soft"));
  try {
    const found = await ask("/predict", { ...question, explain: true }, signal);
    const explained = found.explanations[0].labels[0];
    if (!signal.aborted) place.replaceChildren(...(explained ? paint(text, explained) : []));
  } catch (error) {
    if (!signal.aborted) place.replaceChildren(element("p", error.message, "soft"));
  }
}

const rounded = (value) => String(Number(value.toPrecision(6)));

function show(model, given, all) {
  const heading = element("h2", model.name);
  if (model.task === "regression") return [heading, element("p", rounded(given), "value")];
  const chosen = new Set(given.map((each) => each.label));
  const list = element("ol");
  for (const { label, score } of all) {
    const line = element("li", undefined, chosen.has(label) ? "given" : "");
    const name = element("span", label);
    name.title = label;
    const bar = element("span", undefined, "bar");
    bar.setAttribute("aria-hidden", "true"); // the number beside it says the same
    bar.append(element("span"));
    bar.firstChild.style.width = `${100 * score}%`;
    line.append(name, bar, element("span", score.toFixed(4)));
    list.append(line);
  }
  return [heading, ...(chosen.size ? [] : [element("p", t("none"), "soft")]), list];
}

function correction(model, text, said) {
  const whole = element("details", undefined, "correction");
  const form = element("form");
  const set = element("fieldset");
  const note = element("p");
  note.setAttribute("role", "status");
  set.append(element("legend", `${t("right")} (${model.name})`));
  const read = choices(model, said, set);
  const keep = element("button", t("keep"));
  form.append(set, element("p", t("note"), "soft"), keep);
  whole.append(element("summary", t("wrong")), form, note);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    keep.disabled = true;
    note.className = "";
    try {
      await ask("/corrections", { text, model: model.name, label: read() });
      note.textContent = t("kept");
      form.hidden = true;
    } catch (error) {
      note.textContent = error.message;
      note.className = "problem";
    }
    keep.disabled = false;
  });
  return whole;
}

// Puts what can be chosen into a form; gives the function that reads it.
function choices(model, said, set) {
  if (model.task === "regression") {
    const input = element("input");
    Object.assign(input, { type: "number", step: "any", required: true, value: rounded(said) });
    input.setAttribute("aria-label", t("right"));
    set.append(input);
    return () => Number(input.value);
  }
  const given = new Set(said.map((each) => each.label));
  if (model.task === "multilabel") {
    const boxes = model.labels.map((name) => {
      const label = element("label");
      const box = element("input");
      Object.assign(box, { type: "checkbox", value: name, checked: given.has(name) });
      label.append(box, ` ${name}`);
      set.append(label);
      return box;
    });
    return () => boxes.filter((box) => box.checked).map((box) => box.value);
  }
  const select = element("select");
  select.setAttribute("aria-label", t("right"));
  select.append(...model.labels.map((name) => Object.assign(element("option", name), { value: name })));
  select.value = model.labels.find((name) => !given.has(name)) ?? model.labels[0];
  set.append(select);
  return () => select.value;
}

function paint(text, explained) {
  const shown = element("div", undefined, "text");
  shown.dir = "auto";
  shown.tabIndex = 0;
  shown.setAttribute("role", "region");
  shown.setAttribute("aria-label", `${t("why_region")} ${explained.label ?? ""}`);
  const characters = Array.from(text); // offsets count characters, not halves of them
  const largest = Math.max(...explained.spans.map((span) => Math.abs(span.weight)), 1e-9);
  let at = 0;
  for (const { begin, end, weight } of explained.spans) {
    shown.append(characters.slice(at, begin).join(""));
    const mark = element("mark", characters.slice(begin, end).join(""), weight > 0 ? "for" : "against");
    mark.style.setProperty("--strength", (Math.abs(weight) / largest).toFixed(2));
    mark.title = (weight > 0 ? "+" : "") + weight.toFixed(3);
    shown.append(mark);
    at = end;
  }
  shown.append(characters.slice(at).join(""));
  const legend = element("p", undefined, "legend soft");
  for (const side of ["for", "against"]) {
    const found = explained.spans.filter(({ weight }) => (side === "for" ? weight > 0 : weight < 0));
    found.sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight));
    const strongest = found.slice(0, 5).map(({ begin, end }) => characters.slice(begin, end).join(""));
    const mark = element("mark", t(side), side);
    mark.append(element("span", `: ${strongest.join(", ") || "–"}`, "unseen")); // for those who see no colours
    legend.append(mark, " ");
  }
  if (explained.label) legend.append(explained.label);
  return [shown, legend];
}

function parse(content) {
  const rows = [];
  let row = [];
  let cell = "";
  let quoted = false;
  for (let at = content.charCodeAt(0) === 0xfeff ? 1 : 0; at < content.length; at++) {
    const character = content[at];
    if (quoted) {
      if (character !== '"') cell += character;
      else if (content[at + 1] === '"') { cell += '"'; at++; }
      else quoted = false;
    } else if (character === '"' && !cell) quoted = true;
    else if (character === ",") { row.push(cell); cell = ""; }
    else if (character === "\n" || character === "\r") {
      if (character === "\r" && content[at + 1] === "\n") at++;
      row.push(cell);
      if (row.length > 1 || row[0]) rows.push(row);
      row = [];
      cell = "";
    } else cell += character;
  }
  if (cell || row.length) rows.push([...row, cell]);
  return rows;
}

// UTF-8, or GB18030; null for what is neither, or is UTF-8 with broken bytes.
function decoded(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    const foreign = new TextDecoder("utf-8").decode(bytes).match(/[^\0-\x7f]/g);
    const broken = foreign.filter((character) => character === "\ufffd").length;
    if (foreign.length >= Math.max(8, 4 * broken)) return null;
  }
  try {
    return new TextDecoder("gb18030", { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

async function read(file) {
  table = null;
  $("column").replaceChildren();
  $("start").disabled = $("column").disabled = true;
  if (!file) return;
  const bytes = await file.arrayBuffer();
  const content = decoded(bytes);
  if (content === null) {
    tell(t("damaged"), true);
    return;
  }
  const [header, ...rows] = parse(content);
  if (!rows.length) {
    tell(t("empty"), true);
    return;
  }
  table = { name: file.name, header, rows };
  $("column").replaceChildren(...header.map((name, index) => {
    const option = element("option", name || `${index + 1}`);
    option.value = index;
    return option;
  }));
  const usual = header.findIndex((name) => ["text", "review", "content", "sentence", "文本", "内容", "评论"].includes(name.trim().toLowerCase()));
  const length = (index) => rows.slice(0, 50).reduce((sum, row) => sum + (row[index] ?? "").length, 0);
  const longest = header.reduce((best, _, index) => (length(index) > length(best) ? index : best), 0);
  $("column").value = usual >= 0 ? usual : longest;
  $("start").disabled = $("column").disabled = false;
  tell(`${file.name}: ${rows.length} ${t(rows.length === 1 ? "row" : "rows")}`);
}

function tell(text, bad = false) {
  $("file-status").textContent = text;
  $("file-status").className = bad ? "problem" : "";
}

async function label() {
  const { name, header, rows } = table;
  const column = Number($("column").value);
  const model = models.find((each) => each.name === $("model").value);
  const numbers = model.task === "regression";
  const taken = new Set(header);
  const added = (numbers ? ["value"] : ["label", "score"]).map((each) => (taken.has(each) ? `predicted_${each}` : each));
  const labelled = [[...header, ...added]];
  stopped = false;
  $("stop").hidden = $("progress").hidden = false;
  $("start").disabled = true;
  try {
    let size = CHUNK;
    for (let at = 0; at < rows.length && !stopped; ) {
      const part = rows.slice(at, at + size);
      let found;
      try {
        found = await ask("/predict", { inputs: part.map((row) => row[column] ?? ""), model: model.name });
      } catch (error) {
        if (error.status !== 413 || size === 1) throw error;
        size = Math.ceil(size / 2); // too many characters at once
        continue;
      }
      part.forEach((row, index) => {
        const said = found.predictions[index];
        const filled = header.map((_, place) => row[place] ?? "");
        const several = model.task === "multilabel";
        const cells = numbers ? [said] : several
          ? [JSON.stringify(said.map((each) => each.label)), JSON.stringify(said.map((each) => each.score))]
          : [said[0].label, said[0].score];
        labelled.push([...filled, ...cells]);
      });
      at += part.length;
      $("progress").value = at / rows.length;
      tell(`${at} / ${rows.length} ${t("rows")}`);
    }
    if (stopped) tell(t("stopped"));
    else {
      save(name.replace(/\.csv$/i, "") + ".labelled.csv", labelled);
      tell(`${t("done")}: ${rows.length} ${t("rows")}`);
    }
  } catch (error) {
    tell(error.message, true);
  }
  $("stop").hidden = $("progress").hidden = true;
  $("start").disabled = false;
}

function save(name, rows) {
  const cell = (value) => (/[",\r\n]/.test(value) ? `"${String(value).replaceAll('"', '""')}"` : String(value));
  const content = rows.map((row) => row.map(cell).join(",")).join("\n") + "\n";
  const link = element("a");
  link.href = URL.createObjectURL(new Blob(["\ufeff", content], { type: "text/csv" }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

async function start() {
  try {
    models = await ask("/models");
  } catch (error) {
    if (error.status === 401) $("key").focus();
    $("status").textContent = error.status !== 401 ? error.message : key ? t("refused") : "";
    return;
  }
  $("key-form").hidden = true;
  $("status").textContent = "";
  $("answers").replaceChildren(...models.map(() => Object.assign(element("article", undefined, "answer"), { hidden: true })));
  $("model").replaceChildren(...models.map((model) => element("option", model.name)));
  document.title = `Tenor: ${models.map((model) => model.name).join(", ")}`;
  predictText();
}

let timer;
$("text").addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(predictText, 200); });
$("explain").addEventListener("change", predictText);
$("language").addEventListener("change", () => { translate($("language").value); predictText(); });
$("key-form").addEventListener("submit", (event) => { event.preventDefault(); key = $("key").value; start(); });
$("file").addEventListener("change", () => read($("file").files[0]));
$("start").addEventListener("click", label);
$("stop").addEventListener("click", () => { stopped = true; });
for (const name of ["dragover", "dragleave", "drop"]) {
  $("drop").addEventListener(name, (event) => {
    event.preventDefault();
    $("drop").classList.toggle("over", name === "dragover");
    if (name === "drop") read(event.dataTransfer.files[0]);
  });
}
translate(navigator.language.startsWith("zh") ? "zh" : "en");
start();
