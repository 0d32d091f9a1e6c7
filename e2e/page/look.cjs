// Looks at the page of made-up worlds and of a real daemon as people do: at three widths, by day and at night, with the
// keyboard, without JavaScript. Usage: look.cjs WORLDS DAEMON FOLDER IMAGES: the base addresses of the two, where all pictures
// go, and where those of the documentation do.
const { chromium } = require("playwright-core");
const { execFileSync } = require("node:child_process");
const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const [worlds, daemon, folder, images] = process.argv.slice(2);
const widths = [360, 900, 1600];
const accessibly = [0, 1, 10]; // more keys are more of the same, and axe-core is slow
const schemes = ["light", "dark"];
let browser;

// page opens an address. Whatever the page asks for beside itself, and whatever the browser complains of, ends the run.
async function page(url, options = {}) {
  const context = await browser.newContext({ javaScriptEnabled: false, viewport: { width: 1600, height: 1000 }, ...options });
  context.setDefaultTimeout(60000);
  const tab = await context.newPage();
  tab.on("console", (m) => assert.fail(`${url}: the browser says ${m.text()}`));
  tab.on("request", (r) => assert.ok(r.isNavigationRequest(), `${url} asks for ${r.url()}`));
  const answer = await tab.goto(url);
  assert.equal(answer.status(), 200, url);
  return tab;
}

// accessible runs every rule of axe-core on the page where a tab is. That is a script, which the tab itself has none of.
async function accessible(where, what, { open = false, ...options } = {}) {
  const tab = await page(where, { ...options, javaScriptEnabled: true });
  if (open) await tab.locator("summary").first().click();
  await tab.evaluate(axe);
  const { violations, passes } = await tab.evaluate("axe.run(document, { resultTypes: ['violations'] })");
  const said = violations.map((v) => `${v.id} (${v.nodes.length}): ${v.help}\n  ${v.nodes[0].html.slice(0, 300)}\n  ${v.nodes[0].failureSummary}`);
  assert.equal(violations.length, 0, `${what}:\n${said.join("\n")}`);
  assert.ok(passes.length > 15, `${what}: only ${passes.length} rules were tried`);
  await tab.context().close();
  return passes.length;
}

async function looks() {
  for (const keys of [0, 1, 5, 10, 200, 10000]) {
    let rules = 0;
    for (const width of widths) {
      for (const colorScheme of schemes) {
        const what = `${keys} keys, ${width} wide, ${colorScheme}`;
        const where = `${worlds}/${keys}/`;
        const options = { viewport: { width, height: 1000 }, colorScheme };
        const tab = await page(where, options);
        const wide = await tab.evaluate("document.documentElement.scrollWidth");
        assert.ok(wide <= width, `${what}: ${wide} pixels wide`);
        assert.equal(await tab.locator("ol.keys > li[id]").count(), Math.min(keys, 200), what);
        await tab.screenshot({ path: path.join(folder, `${keys}-${width}-${colorScheme}.png`) });
        await tab.context().close();
        if (accessibly.includes(keys) && width !== 900) rules = await accessible(where, what, options);
      }
    }
    console.log(`${keys} keys: drawn at ${widths.join(", ")} pixels, light and dark` + (rules ? `; axe-core: 0 violations of ${rules} rules` : ""));
  }
}

async function keyboard() {
  const tab = await page(`${worlds}/10/`);
  const focus = () => tab.evaluate("document.activeElement.className || document.activeElement.id || document.activeElement.tagName");
  await tab.keyboard.press("Tab");
  assert.equal(await focus(), "skip");
  await tab.keyboard.press("Enter");
  assert.equal(await focus(), "keys");
  await tab.keyboard.press("Tab");
  const facts = tab.locator("ol.keys > li").first().locator("dl");
  assert.ok(!(await facts.isVisible()));
  await tab.keyboard.press("Enter");
  assert.ok(await facts.isVisible(), "Enter opens a key");
  await tab.screenshot({ path: path.join(folder, "open.png") });
  await tab.context().close();
  for (const colorScheme of schemes) await accessible(`${worlds}/10/`, `an open key, ${colorScheme}`, { open: true, colorScheme });
  console.log("keyboard: from the top to the first key and into it with Tab, Enter, Tab, Enter");
}

async function links() {
  const tab = await page(`${worlds}/10000/`);
  await tab.locator("nav.choices a.halted").click();
  assert.equal(await tab.locator("ol.keys > li[id]").count(), 1);
  await tab.locator("nav.choices a.all").click();
  await tab.locator("#q").fill("service-0012");
  await tab.locator("form button").click();
  assert.equal(await tab.locator("ol.keys > li[id]").count(), 10);
  await tab.locator("nav.choices a.all").click();
  await tab.goto(`${worlds}/10000/?sort=name`);
  await tab.locator("a[rel=next]").click();
  assert.match(await tab.locator("nav.pages").innerText(), /201 to 400 of 10000/);
  const [again] = await Promise.all([tab.waitForResponse(() => true), tab.locator("header a").click()]);
  assert.equal(again.headers().refresh, "60");
  await tab.context().close();
  console.log("links: filter, search, order, pages, reload each minute");
}

// soon measures in processor time: by the clock a busy machine would be measured.
async function soon() {
  const ask = async (path) => (await fetch(worlds + path)).text();
  const times = 10;
  const before = Number(await ask("/processor"));
  const begin = performance.now();
  let text;
  for (let i = 0; i < times; i++) text = await ask("/10000/");
  const clock = Math.round((performance.now() - begin) / times);
  const used = Math.round((Number(await ask("/processor")) - before) / times);
  console.log(`10,000 keys: ${Math.round(text.length / 1024)} KB in ${used} ms of processor time, ${clock} ms by the clock`);
  assert.ok(used < 500, "a page of 10,000 keys takes half a second or more");
}

async function real() {
  const tab = await page(`${daemon}/`);
  for (let i = 0; i < 50 && (await tab.locator(".state.healthy").count()) < 3; i++) {
    await new Promise((r) => setTimeout(r, 100));
    await tab.reload();
  }
  assert.match(await tab.locator("ol.keys").innerText(), /auth-jwt\s+healthy[^]*mobile\s+healthy/);
  await tab.context().close();
  await accessible(`${daemon}/`, "a daemon");
  console.log("a daemon: two healthy keys");
}

// docs takes the pictures of docs/images: few colours, so that they are small.
async function docs() {
  for (const [name, where, options] of [
    ["page", "/5/", { viewport: { width: 1180, height: 830 }, colorScheme: "light" }],
    ["page-dark", "/5/?days=7", { viewport: { width: 1180, height: 790 }, colorScheme: "dark" }],
    ["page-phone", "/5/", { viewport: { width: 360, height: 700 }, colorScheme: "light" }],
  ]) {
    const tab = await page(worlds + where, options);
    const file = path.join(images, `${name}.png`);
    await tab.screenshot({ path: file });
    execFileSync("pngquant", ["--force", "--output", file, "--speed", "1", "64", file]);
    assert.ok(fs.statSync(file).size < 60 * 1024, `${file} has ${fs.statSync(file).size} bytes`);
    await tab.context().close();
  }
}

(async () => {
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: process.getuid() === 0 ? ["--no-sandbox"] : [] });
  try {
    console.log(`Chromium ${browser.version()}`);
    for (const part of [looks, keyboard, links, real, soon, docs]) await part();
  } finally {
    await browser.close();
  }
})().catch((err) => {
  console.error(err.message ?? err);
  process.exitCode = 1;
});
