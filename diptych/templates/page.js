// Tables become sortable, searchable, filterable and downloadable; their state stands in the page's address.
const $ = globalThis.jQuery, DataTable = $.fn.dataTable;
const LONG = 60; // rows from which a table is paged

// Missing values stand last in both orders; DataTables reads an empty data-order as -Infinity.
const last = (a, b) => (a === b ? 0 : a === -Infinity ? 1 : b === -Infinity ? -1 : null);
Object.assign(DataTable.ext.type.order, {
  "num-asc": (a, b) => last(a, b) ?? a - b,
  "num-desc": (a, b) => last(a, b) ?? b - a,
});

const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark", dark.matches);
dark.addEventListener("change", follow);
follow();

// ---------------------------------------------------------------- the address: #name=state&tab=… beside plain anchors
const address = () => new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : "");
function remember(name, value) {
  const known = address();
  value ? known.set(name, value) : known.delete(name);
  const text = known.toString();
  if (text || location.hash.includes("=")) history.replaceState(null, "", text ? `#${text}` : "#");
}

// What of a table's state differs from its beginning.
function brief(state) {
  const filters = Object.entries(state.columnControl ?? {}).filter(([, f]) => f.searchInput?.value || f.searchList?.length ||
    ["empty", "notEmpty"].includes(f.searchInput?.logic));
  const kept = {};
  if (state.order.length) kept.order = state.order;
  if (state.search.search) kept.search = state.search.search;
  if (filters.length) kept.filters = Object.fromEntries(filters);
  return Object.keys(kept).length ? JSON.stringify(kept) : "";
}

function restored(name, columns) {
  try {
    const kept = JSON.parse(address().get(name) ?? "null");
    if (!kept) return null;
    const search = (text) => ({ search: String(text), smart: true, regex: false, caseInsensitive: true });
    return {
      time: Date.now(), start: 0, length: LONG, order: kept.order ?? [], search: search(kept.search ?? ""),
      columns: Array.from({ length: columns }, () => ({ visible: true, search: search("") })),
      columnControl: kept.filters ?? {},
    };
  } catch {
    return null; // an address that was edited or cut
  }
}

// ---------------------------------------------------------------- downloads
const text = (node) => node.textContent.trim().replace(/\s+/g, " ");
function records(api) {
  const heads = api.columns().header().toArray().map((head) => text(head.querySelector(".dt-column-title") ?? head));
  return api.rows({ search: "applied", order: "applied" }).nodes().toArray().map((row) =>
    Object.fromEntries([...row.cells].map((cell, i) => {
      const number = cell.dataset.order;
      return [heads[i] || `column ${i + 1}`, number === undefined ? text(cell)
        : { value: number === "" ? null : Number(number), text: text(cell) }];
    })));
}
const plain = { format: { body: (_data, _row, _column, node) => text(node) } };
const buttons = (name) => [
  { extend: "csv", text: "CSV", filename: name, bom: true, escapeExcelFormula: true, exportOptions: plain },
  { text: "JSON", className: "json", action: (_event, api) =>
    DataTable.fileSave(new Blob([JSON.stringify(records(api), null, 1)], { type: "application/json" }), `${name}.json`) },
];

// ---------------------------------------------------------------- tables
function interactive(table) {
  const { name } = table.dataset, rows = table.tBodies[0].rows.length, heads = [...table.tHead.rows[0].cells];
  const number = heads.map((head, i) => (head.classList.contains("number") ? i : -1)).filter((i) => i >= 0);
  const other = heads.map((_, i) => i).filter((i) => !number.includes(i));
  const filter = (...content) => [{ extend: "dropdown", icon: "search", text: "Filter", content }];
  const tools = name ? {
    layout: { topStart: "search", topEnd: { buttons: buttons(name) }, bottomStart: rows > LONG ? "info" : null,
      bottomEnd: rows > LONG ? "paging" : null },
    columnControl: { target: 0, content: [] },
    stateSave: true,
    stateDuration: -1,
    stateSaveCallback: (_settings, state) => remember(name, brief(state)),
    stateLoadCallback: () => restored(name, heads.length),
  } : { layout: { topStart: null, topEnd: null, bottomStart: null, bottomEnd: null } };
  const controls = name ? [
    { targets: number, columnControl: filter("search") },
    { targets: other, columnControl: filter("search", "searchList") },
  ] : [];
  return new DataTable(table, {
    ...tools, order: [], autoWidth: false, paging: rows > LONG, pageLength: LONG, orderMulti: true, titleRow: 0,
    language: { search: "", searchPlaceholder: "search", info: "_START_–_END_ of _TOTAL_", infoFiltered: "(of _MAX_)" },
    columnDefs: [{ targets: number, type: "num", orderSequence: ["desc", "asc", ""] },
      { targets: other, type: "html", orderSequence: ["asc", "desc", ""] }, ...controls],
  });
}

// Tables out of sight are made when they are seen first: in a tab, or in details.
const made = new WeakMap();
const make = (table) => made.has(table) || made.set(table, interactive(table));
const seen = new IntersectionObserver((entries) => entries.forEach((entry) => {
  if (!entry.isIntersecting) return;
  seen.unobserve(entry.target);
  make(entry.target);
}), { rootMargin: "600px" });

// ---------------------------------------------------------------- tabs
function tabs(box) {
  const { name } = box.dataset, panels = [...box.querySelectorAll(":scope > [data-tab]")];
  if (panels.length < 3) { // one modality: its table beside that of all
    panels.forEach((panel) => panel.hidden = false);
    return;
  }
  const list = document.createElement("div");
  list.setAttribute("role", "tablist");
  const show = (chosen) => panels.forEach((panel, i) => {
    const on = panel.dataset.tab === chosen, button = list.children[i];
    panel.hidden = !on;
    button.setAttribute("aria-selected", on);
    button.tabIndex = on ? 0 : -1;
  });
  panels.forEach((panel, i) => {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", textContent: panel.dataset.tab, id: `tab-${name}-${i}` });
    button.setAttribute("role", "tab");
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-labelledby", button.id);
    button.addEventListener("click", () => {
      show(panel.dataset.tab);
      remember(name, i ? panel.dataset.tab : "");
    });
    list.append(button);
  });
  list.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = list.children[(panels.findIndex((panel) => !panel.hidden) + step + panels.length) % panels.length];
    next.click();
    next.focus();
  });
  box.prepend(list);
  const asked = address().get(name);
  show(panels.some((panel) => panel.dataset.tab === asked) ? asked : panels[0].dataset.tab);
}

document.querySelectorAll(".tabs").forEach(tabs);
const tables = [...document.querySelectorAll("table.data")];
tables.forEach((table) => (address().has(table.dataset.name) ? make(table) : seen.observe(table)));
tables.find((table) => address().has(table.dataset.name))?.scrollIntoView({ block: "center" });

// ---------------------------------------------------------------- print: everything, all pages of it
const paged = () => tables.map((table) => made.get(table)).filter((api) => api?.settings()[0].oFeatures.bPaginate);
addEventListener("beforeprint", () => paged().forEach((api) => api.page.len(-1).draw()));
addEventListener("afterprint", () => paged().forEach((api) => api.page.len(LONG).draw()));
document.documentElement.dataset.ready = "yes";
