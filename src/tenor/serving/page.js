"use strict";

const MESSAGES = {
  en: { language: "Language", key: "This server needs an API key", use: "Use this key", text: "Type or paste a text",
    refused: "The server rejected this key.", why: "Show the words behind the prediction", file: "Label a CSV file",
    choose: "Drop a CSV file here, or choose one", model: "Model", column: "Text column", start: "Start labelling",
    stop: "Stop", none: "no label", busy: "The server is busy; retrying …", lost: "The server cannot be reached.",
    row: "row", rows: "rows", done: "Done", stopped: "Stopped.", empty: "This file has no rows below its header.",
    damaged: "This file is neither UTF-8 nor GB18030. Save it as UTF-8.", why_region: "Words behind the prediction",
    for: "supports", against: "opposes", looking: "Finding the words …", wrong: "Wrong? Correct it",
    right: "Correct label", keep: "Save correction", note: "The server stores your text and may train on it.",
    kept: "Saved. Thank you.", absent: "The file has no column", unused: "empty in every row:" },
  zh: { language: "语言", key: "此服务器需要 API 密钥", use: "使用此密钥", text: "输入或粘贴一段文本",
    refused: "服务器拒绝了该密钥。", why: "显示影响预测的词", file: "标注 CSV 文件",
    choose: "将 CSV 文件拖到此处，或选择文件", model: "模型", column: "文本列", start: "开始标注",
    stop: "停止", none: "无标签", busy: "服务器繁忙，正在重试……", lost: "无法连接服务器。",
    row: "行", rows: "行", done: "完成", stopped: "已停止。", empty: "该文件除表头外没有数据行。",
    damaged: "该文件既不是 UTF-8，也不是 GB18030 编码，请另存为 UTF-8。", why_region: "影响预测的词：",
    for: "支持", against: "反对", looking: "正在分析……", wrong: "预测有误？请更正",
    right: "正确标签", keep: "保存更正", note: "服务器会保存这段文本，并可能用于训练。",
    kept: "已保存，谢谢。", absent: "文件缺少列", unused: "以下字段全部为空：" },
};
const MAX_LABELS = 8; // shown for each model
const CHUNK_ROWS = 100; // rows of a file in one request
const $ = (id) => document.getElementById(id);
let language = "en";
let models = [];
let fields = new Map(); // name of a field -> its input
let key = "";
let pending = new AbortController(); // of the requests for the current text
let table = null;
let stopped = false;
const t = (name) => MESSAGES[language][name];

function translate(to) {
  language = to;
  document.documentElement.lang = to === "zh" ? "zh-Hans" : "en";
  $("language").value = to;
  for (const each of document.querySelectorAll("[data-t]")) each.textContent = t(each.dataset.t);
}

function element(tag, text, className) {
  const node = document.createElement(tag);
  if (text !== undefined) node.textContent = text;
  if (className) node.className = className;
  return node;
}

async function request(path, body, signal) {
  const headers = { "Content-Type": "application/json" };
  if (key) headers.Authorization = `Bearer ${key}`;
  const options = body ? { method: "POST", headers, body: JSON.stringify(body), signal } : { headers };
  for (;;) {
    let response;
    try {
      response = await fetch(path, options);
    } catch {
      throw new Error(t("lost")); // or the request was aborted, and nobody reads this
    }
    if (response.status === 401) $("key-form").hidden = false;
    if (response.ok) return response.json();
    const problem = await response.json().catch(() => ({}));
    if (response.status !== 503 || path !== "/predict") {
      throw Object.assign(new Error(problem.detail || `${response.status}`), { status: response.status });
    }
    $("status").textContent = t("busy");
    await new Promise((resolve) => setTimeout(resolve, 1000 * (Number(response.headers.get("Retry-After")) || 1)));
    if (!signal?.aborted) $("status").textContent = "";
  }
}

async function predictText() {
  pending.abort();
  pending = new AbortController();
  const { signal } = pending;
  $("status").textContent = $("announcement").textContent = "";
  const boxes = $("answers").children;
  const given = models.map((model, index) => ({ model, text: readText(model), box: boxes[index] }));
  for (const { text, box } of given) if (isEmpty(text)) box.hidden = true;
  const filled = given.filter(({ text }) => !isEmpty(text));
  if (!filled.length) return;
  const summaries = await Promise.all(filled.map(({ model, text, box }) => predict(model, text, box, signal)));
  if (!signal.aborted) $("announcement").textContent = summaries.join("; ");
}

// What a model reads: the text, or an object of its fields.
function readText(model) {
  if (!model.fields.length) return $("text").value;
  return Object.fromEntries(model.fields.map(({ name }) => [name, fields.get(name).value]));
}

const isEmpty = (text) => !(typeof text === "string" ? [text] : Object.values(text)).some((value) => value.trim());

// Makes an input for each field of the models; the box for a text stays if a model reads one.
function showFields() {
  const kept = new Map([...fields].map(([name, input]) => [name, input.value]));
  fields = new Map();
  const ofModels = models.flatMap((model) => model.fields);
  const textsFirst = [...ofModels.filter(({ kind }) => kind === "text"), ...ofModels.filter(({ kind }) => kind !== "text")];
  for (const { name, kind } of textsFirst) { // a box for texts also takes what another model reads as a number
    if (fields.has(name)) continue;
    const input = element(kind === "text" ? "textarea" : "input");
    input.id = `field-${fields.size}`;
    input.value = kept.get(name) ?? "";
    Object.assign(input, kind === "text" ? { rows: 3, dir: "auto", maxLength: 100000 } : { type: "text" });
    if (kind === "number") input.inputMode = "decimal";
    if (kind === "date") input.type = "date";
    input.addEventListener("input", predictSoon);
    fields.set(name, input);
  }
  $("fields").replaceChildren(...[...fields].map(([name, input]) => {
    const readers = models.filter((model) => model.fields.some((field) => field.name === name));
    const only = readers.length < models.length ? ` (${readers.map((model) => model.name).join(", ")})` : "";
    const label = element("label", `${name}${only}`);
    label.append(input);
    return label;
  }));
  $("fields").hidden = !fields.size;
  $("text-box").hidden = models.length > 0 && models.every((model) => model.fields.length);
}

// Fills the box of a model: its prediction at once, and the words behind it later. Returns the prediction as text.
async function predict(model, text, box, signal) {
  const body = { inputs: [text], model: model.name };
  try {
    const isSingleLabel = model.task !== "regression" && model.task !== "multilabel";
    const all = await request("/predict", model.task === "regression" ? body : { ...body, top_k: MAX_LABELS }, signal);
    const prediction = isSingleLabel
      ? all.predictions[0].slice(0, 1)
      : (await request("/predict", body, signal)).predictions[0];
    const why = element("div", undefined, "why");
    box.replaceChildren(...show(model, prediction, all.predictions[0]), why);
    if (model.corrections) box.append(correction(model, text, prediction));
    box.hidden = false;
    if ($("explain").checked) explain(body, why, signal);
    return `${model.name}: ${summary(prediction)}`;
  } catch (error) {
    if (!signal.aborted) box.replaceChildren(element("h2", model.name), element("p", error.message, "problem"));
    if (!signal.aborted) box.hidden = false;
    return `${model.name}: ${error.message}`;
  }
}

function summary(prediction) {
  if (!Array.isArray(prediction)) return rounded(prediction);
  return prediction.map(({ label, score }) => `${label} ${score.toFixed(2)}`).join(", ") || t("none");
}

async function explain(body, place, signal) {
  place.append(element("p", t("looking"), "soft"));
  try {
    const response = await request("/predict", { ...body, explain: true }, signal);
    const explanation = response.explanations[0].labels[0];
    const explained = response.explanations[0].text;
    if (!signal.aborted) place.replaceChildren(...(explanation ? paint(explained, explanation) : []));
  } catch (error) {
    if (!signal.aborted) place.replaceChildren(element("p", error.message, "soft"));
  }
}

const rounded = (value) => String(Number(value.toPrecision(6)));

function show(model, prediction, all) {
  const heading = element("h2", model.name);
  if (model.task === "regression") return [heading, element("p", rounded(prediction), "value")];
  const assigned = new Set(prediction.map((each) => each.label));
  const list = element("ol");
  for (const { label, score } of all) {
    const line = element("li", undefined, assigned.has(label) ? "assigned" : "");
    const name = element("span", label);
    name.title = label;
    const bar = element("span", undefined, "bar");
    bar.setAttribute("aria-hidden", "true"); // the number beside it is the same
    bar.append(element("span"));
    bar.firstChild.style.width = `${100 * score}%`;
    line.append(name, bar, element("span", score.toFixed(4)));
    list.append(line);
  }
  return [heading, ...(assigned.size ? [] : [element("p", t("none"), "soft")]), list];
}

function correction(model, text, prediction) {
  const details = element("details", undefined, "correction");
  const form = element("form");
  const set = element("fieldset");
  const note = element("p");
  note.setAttribute("role", "status");
  set.append(element("legend", `${t("right")} (${model.name})`));
  const read = choices(model, prediction, set);
  const keep = element("button", t("keep"));
  form.append(set, element("p", t("note"), "soft"), keep);
  details.append(element("summary", t("wrong")), form, note);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    keep.disabled = true;
    note.className = "";
    try {
      await request("/corrections", { text, model: model.name, label: read() });
      note.textContent = t("kept");
      form.hidden = true;
    } catch (error) {
      note.textContent = error.message;
      note.className = "problem";
    }
    keep.disabled = false;
  });
  return details;
}

// Adds the choice of labels to a form. Returns the function that reads it.
function choices(model, prediction, set) {
  if (model.task === "regression") {
    const input = element("input");
    Object.assign(input, { type: "number", step: "any", required: true, value: rounded(prediction) });
    input.setAttribute("aria-label", t("right"));
    set.append(input);
    return () => Number(input.value);
  }
  const assigned = new Set(prediction.map((each) => each.label));
  if (model.task === "multilabel") {
    const boxes = model.labels.map((name) => {
      const label = element("label");
      const box = element("input");
      Object.assign(box, { type: "checkbox", value: name, checked: assigned.has(name) });
      label.append(box, ` ${name}`);
      set.append(label);
      return box;
    });
    return () => boxes.filter((box) => box.checked).map((box) => box.value);
  }
  const select = element("select");
  select.setAttribute("aria-label", t("right"));
  select.append(...model.labels.map((name) => Object.assign(element("option", name), { value: name })));
  select.value = model.labels.find((name) => !assigned.has(name)) ?? model.labels[0];
  set.append(select);
  return () => select.value;
}

// The texts of an explanation with their words, and the other fields: [heading, pieces], where a piece is [text, weight].
function paintedParts(text, explanation) {
  const isRow = typeof text !== "string";
  const parts = (isRow ? Object.entries(text) : [["", text]]).map(([name, value]) => {
    const characters = Array.from(value); // offsets count characters, not halves of them
    const pieces = [];
    let at = 0;
    for (const { field, begin, end, weight } of explanation.spans) {
      if (isRow && field !== name) continue;
      pieces.push([characters.slice(at, begin).join("")], [characters.slice(begin, end).join(""), weight]);
      at = end;
    }
    pieces.push([characters.slice(at).join("")]);
    return [name, pieces];
  });
  const features = new Map((explanation.features ?? []).map(({ name, value, weight }) => [name, [value ?? name, weight]]));
  const isFeature = ([name]) => features.has(name);
  return [
    ...parts.filter((part) => !isFeature(part)),
    ...[...features].map(([name, [value, weight]]) => [name, [[value || "–", weight]]]),
  ].filter(([, pieces]) => pieces.some(([piece]) => piece));
}

function paint(text, explanation) {
  const box = element("div", undefined, "text");
  box.dir = "auto";
  box.tabIndex = 0;
  box.setAttribute("role", "region");
  box.setAttribute("aria-label", `${t("why_region")} ${explanation.label ?? ""}`);
  const parts = paintedParts(text, explanation);
  const weighted = parts.flatMap(([, pieces]) => pieces).filter(([, weight]) => weight !== undefined);
  const largest = Math.max(...weighted.map(([, weight]) => Math.abs(weight)), 1e-9);
  for (const [name, pieces] of parts) {
    if (name) box.append(element("span", name, "field soft"));
    for (const [piece, weight] of pieces) {
      if (weight === undefined) {
        box.append(piece);
        continue;
      }
      const mark = element("mark", piece, weight > 0 ? "for" : "against");
      mark.style.setProperty("--strength", (Math.abs(weight) / largest).toFixed(2));
      mark.title = (weight > 0 ? "+" : "") + weight.toFixed(3);
      box.append(mark);
    }
  }
  const legend = element("p", undefined, "legend soft");
  for (const side of ["for", "against"]) {
    const pieces = weighted.filter(([, weight]) => (side === "for" ? weight > 0 : weight < 0));
    pieces.sort(([, a], [, b]) => Math.abs(b) - Math.abs(a));
    const strongest = pieces.slice(0, 5).map(([piece]) => piece);
    const mark = element("mark", t(side), side);
    mark.append(element("span", `: ${strongest.join(", ") || "–"}`, "unseen")); // for people who do not see the colours
    legend.append(mark, " ");
  }
  if (explanation.label) legend.append(explanation.label);
  return [box, legend];
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

// Decodes UTF-8 or GB18030. Returns null for other bytes, and for UTF-8 with broken bytes.
function decode(bytes) {
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
  const content = decode(bytes);
  if (content === null) {
    showFileStatus(t("damaged"), true);
    return;
  }
  const [header, ...rows] = parse(content);
  if (!rows.length) {
    showFileStatus(t("empty"), true);
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
  $("start").disabled = false;
  chooseColumn();
  showFileStatus(`${file.name}: ${rows.length} ${t(rows.length === 1 ? "row" : "rows")}`);
}

function showFileStatus(text, isProblem = false) {
  $("file-status").textContent = text;
  $("file-status").className = isProblem ? "problem" : "";
}

const chosenModel = () => models.find((each) => each.name === $("model").value);

// A model of several fields finds its columns by name.
function chooseColumn() {
  $("column").disabled = !table || chosenModel()?.fields.length > 0;
}

// The function from a row of the table to the text of the model, and a note on fields that are not there.
function rowReader(model, header) {
  if (!model.fields.length) {
    const column = Number($("column").value);
    return { read: (row) => row[column] ?? "", note: "" };
  }
  const present = model.fields.map(({ name }) => name).filter((name) => header.includes(name));
  const absent = model.fields.map(({ name }) => name).filter((name) => !header.includes(name));
  if (!present.length) throw new Error(`${t("absent")}: ${absent.join(", ")}`);
  const read = (row) => Object.fromEntries(present.map((name) => [name, row[header.indexOf(name)] ?? ""]));
  return { read, note: absent.length ? `; ${t("unused")} ${absent.join(", ")}` : "" };
}

async function label() {
  const { name, header, rows } = table;
  const model = chosenModel();
  const isRegression = model.task === "regression";
  const existing = new Set(header);
  const added = (isRegression ? ["value"] : ["label", "score"]).map((each) => (existing.has(each) ? `predicted_${each}` : each));
  const labelled = [[...header, ...added]];
  stopped = false;
  $("stop").hidden = $("progress").hidden = false;
  $("start").disabled = true;
  try {
    const { read, note } = rowReader(model, header);
    let size = CHUNK_ROWS;
    for (let at = 0; at < rows.length && !stopped; ) {
      const part = rows.slice(at, at + size);
      let response;
      try {
        response = await request("/predict", { inputs: part.map(read), model: model.name });
      } catch (error) {
        if (error.status !== 413 || size === 1) throw error;
        size = Math.ceil(size / 2); // too many characters at once
        continue;
      }
      part.forEach((row, index) => {
        const prediction = response.predictions[index];
        const filled = header.map((_, place) => row[place] ?? "");
        const isMultilabel = model.task === "multilabel";
        const cells = isRegression ? [prediction] : isMultilabel
          ? [JSON.stringify(prediction.map((each) => each.label)), JSON.stringify(prediction.map((each) => each.score))]
          : [prediction[0].label, prediction[0].score];
        labelled.push([...filled, ...cells]);
      });
      at += part.length;
      $("progress").value = at / rows.length;
      showFileStatus(`${at} / ${rows.length} ${t("rows")}`);
    }
    if (stopped) showFileStatus(t("stopped"));
    else {
      save(name.replace(/\.csv$/i, "") + ".labelled.csv", labelled);
      showFileStatus(`${t("done")}: ${rows.length} ${t("rows")}${note}`);
    }
  } catch (error) {
    showFileStatus(error.message, true);
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
    models = await request("/models");
  } catch (error) {
    if (error.status === 401) $("key").focus();
    $("status").textContent = error.status !== 401 ? error.message : key ? t("refused") : "";
    return;
  }
  $("key-form").hidden = true;
  $("status").textContent = "";
  $("answers").replaceChildren(...models.map(() => Object.assign(element("article", undefined, "answer"), { hidden: true })));
  $("model").replaceChildren(...models.map((model) => element("option", model.name)));
  showFields();
  chooseColumn();
  document.title = `Tenor: ${models.map((model) => model.name).join(", ")}`;
  predictText();
}

let timer;
function predictSoon() {
  clearTimeout(timer);
  timer = setTimeout(predictText, 200);
}
$("text").addEventListener("input", predictSoon);
$("model").addEventListener("change", chooseColumn);
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
