// The way from a project to a core module that follows the contract: esbuild makes one file of it, and componentize-js's engine
// is started with that file and its memory kept. Run by `ostler build`, which makes a component of the module.
//
// componentize-js's own `componentize` has the same steps. Here the engine with the bindings of the contract, which takes longest
// and is the same for every project, is made once, and the start is repeatable (snapshot.mjs). This leans on the inside of the
// exact version in package.json.

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

import { snapshot } from "./snapshot.mjs";

const job = JSON.parse(process.argv[2]);
const packages = join(job.tools, "node_modules");
const engines = join(packages, "@bytecodealliance/componentize-js/lib");

/** What the engine has beside the language: console, random numbers, clocks and the global fetch. */
const FEATURES = ["stdio", "random", "clocks", "http"];
const WORLD = "typed";

const load = (path) => import(pathToFileURL(join(packages, path)));
const digest = (...texts) =>
  texts.reduce((hash, text) => hash.update(text).update("\0"), createHash("sha256")).digest("hex");

async function main() {
  const types = checkTypes();
  try {
    await build();
  } finally {
    if (!(await types)) process.exitCode = 1;
  }
}

/** Writes `core.wasm` in the work folder, unless the one that is there is of the same sources. */
async function build() {
  const sdk = findSdk();
  const bundle = await bundled(sdk);
  const engine = await engineFor(join(sdk, "wit"));
  const stamp = digest(bundle, engine, job.name, readFileSync(new URL("snapshot.mjs", import.meta.url)));
  const [module, note] = [join(job.work, "core.wasm"), join(job.work, "core.stamp")];
  if (existsSync(module) && (await textOf(note)) === stamp) return;
  await rm(note, { force: true });
  await writeFile(module, await componentized(bundle, engine));
  await writeFile(note, stamp);
}

/** Whether the project's own TypeScript, if it has one, finds its types right. It says itself what is wrong. */
function checkTypes() {
  const tsc = join(job.dir, "node_modules/typescript/bin/tsc");
  if (!existsSync(tsc) || !existsSync(join(job.dir, "tsconfig.json"))) return true;
  const words = ["--noEmit", "--incremental", "--tsBuildInfoFile", join(job.work, "types.json")];
  const child = spawn(process.execPath, [tsc, ...words], { cwd: job.dir, stdio: "inherit" });
  return new Promise((resolve) => child.on("close", (code) => resolve(code === 0)));
}

/** The project's own SDK, else the one that ostler carries. */
function findSdk() {
  try {
    return dirname(createRequire(join(job.dir, "package.json")).resolve("ostler/package.json"));
  } catch {
    return job.sdk;
  }
}

/** The project with everything it imports, as one module. esbuild prints what is wrong with it. */
async function bundled(sdk) {
  const esbuild = await load("esbuild/lib/main.js");
  const serve = JSON.stringify(join(sdk, "src/component.js"));
  const contents = `import { serve } from ${serve};\nimport handler from ${JSON.stringify(job.entry)};\nexport const httpHandler = serve(handler);\n`;
  const result = await esbuild.build({
    stdin: { contents, resolveDir: job.dir, sourcefile: "ostler-build.js" },
    absWorkingDir: job.dir,
    alias: sdk === job.sdk ? { ostler: join(sdk, "src/index.js") } : {},
    bundle: true,
    charset: "utf8",
    conditions: ["ostler", "workerd", "worker"],
    define: { "process.env.NODE_ENV": '"production"', global: "globalThis" },
    external: ["ostler:*"],
    format: "esm",
    keepNames: true,
    logLevel: "warning",
    platform: "browser",
    target: "es2022",
    tsconfigRaw: existsSync(join(job.dir, "tsconfig.json")) ? undefined : {},
    write: false,
  });
  return result.outputFiles[0].text;
}

/**
 * The folder of the engine with the bindings of the contract in the folder `wit`: as it starts, with files to read, and as it
 * serves, without files and sockets. Made in a folder aside, so that it is whole.
 */
async function engineFor(wit) {
  const folder = join(
    job.tools,
    "engines",
    digest(readFileSync(join(wit, "plugin.wit")), readFileSync(fileURLToPath(import.meta.url))).slice(0, 16),
  );
  if (existsSync(folder)) return folder;
  const { splicer } = await load("@bytecodealliance/componentize-js/lib/spidermonkey-embedding-splicer.js");
  const binary = await readFile(join(engines, "starlingmonkey_embedding.wasm"));
  const { wasm, jsBindings, exports, imports } = splicer.spliceBindings(binary, FEATURES, undefined, wit, WORLD, false);
  await mkdir(dirname(folder), { recursive: true });
  const aside = await mkdtemp(`${folder}.`);
  await writeFile(join(aside, "start.wasm"), wasm);
  await writeFile(join(aside, "serve.wasm"), splicer.stubWasi(wasm, FEATURES, undefined, wit, WORLD));
  await writeFile(join(aside, "initializer.js"), mended(jsBindings));
  await writeFile(join(aside, "environment.json"), JSON.stringify(environment(exports, imports)));
  await rename(aside, folder).catch(() => rm(aside, { recursive: true })); // another build was first
  return folder;
}

/**
 * The engine of 0.23 aborts on a negative i64 that is passed to an import (`kv.increment` with a negative delta): it takes i64s as
 * unsigned. The bits are the same, so the bindings give them so.
 */
function mended(bindings) {
  const signed = /(function toInt64\(val\) \{[^}]*return BigInt\.)asIntN/;
  if (!signed.test(bindings))
    throw new Error("componentize-js writes other bindings than 0.23 does: is the mending of toInt64 still needed?");
  return bindings.replace(signed, "$1asUintN");
}

/** What the engine is told of its exports and imports. */
function environment(exports, imports) {
  const told = {
    DEBUG: "",
    SOURCE_NAME: "source.js",
    FEATURE_CLOCKS: "1",
    EXPORT_CNT: `${exports.length}`,
    IMPORT_CNT: `${imports.length}`,
  };
  for (const [at, [name, { paramptr, params, retptr, ret, retsize }]] of exports.entries()) {
    told[`EXPORT${at}_NAME`] = name;
    told[`EXPORT${at}_ARGS`] = (paramptr ? "*" : "") + params.join(",");
    told[`EXPORT${at}_RET`] = (retptr ? "*" : "") + (ret || "");
    told[`EXPORT${at}_RETSIZE`] = `${retsize}`;
  }
  for (const [at, [, name, count]] of imports.entries()) {
    told[`IMPORT${at}_NAME`] = name;
    told[`IMPORT${at}_ARGCNT`] = `${count}`;
  }
  return told;
}

/** The engine after it has loaded the bundle, as a core module. */
async function componentized(bundle, engine) {
  const sources = join(job.work, "bundle");
  await mkdir(sources, { recursive: true });
  await writeFile(join(sources, `${job.name}.js`), bundle);
  await writeFile(join(sources, "initializer.js"), await readFile(join(engine, "initializer.js")));
  const module = await started(sources, engine, bundle);
  await checked(module);
  return module;
}

/** The engine after it has loaded the bundle. Paths within it are the same in every folder. */
async function started(sources, engine, bundle) {
  const [input, output] = [join(job.work, "input.txt"), join(job.work, "output.txt")];
  await writeFile(input, `--initializer-script-path /initializer.js --strip-path-prefix / ${job.name}.js`);
  try {
    return await snapshot(await readFile(join(engine, "start.wasm")), {
      into: await readFile(join(engine, "serve.wasm")),
      start: "componentize.wizer",
      root: sources,
      env: JSON.parse(await readFile(join(engine, "environment.json"), "utf8")),
      input,
      output,
      seed: { state: parseInt(digest(bundle).slice(0, 8), 16) | 1 },
    });
  } catch (error) {
    throw new Refused(`the project failed while it was loaded:\n${readable(await textOf(output)) || error}`);
  }
}

/** What the program said, without the engine's own stack. */
function readable(words) {
  const end = words.search(/^(Redirecting call to abort|Error: the `componentize\.wizer`)/m);
  return (end > 0 ? words.slice(0, end) : words).trim();
}

/** Asks the engine whether it found the exports that the contract wants. */
async function checked(bytes) {
  const { exports: found } = await WebAssembly.instantiate(
    await WebAssembly.compile(bytes),
    silent(await WebAssembly.compile(bytes)),
  );
  const verdict = found.check_init();
  if (verdict !== 0) throw new Refused(`the engine found no handler in the bundle (${verdict})`);
}

/** Imports that answer nothing. */
function silent(module) {
  const imports = {};
  for (const { module: from, name } of WebAssembly.Module.imports(module)) (imports[from] ??= {})[name] = () => 0;
  return imports;
}

const textOf = (path) => readFile(path, "utf8").catch(() => "");

/** The author's to mend: shown without a stack. */
class Refused extends Error {}

main().catch((error) => {
  // esbuild has told its errors already.
  if (!error.errors) console.error(error instanceof Refused ? error.message : error);
  process.exitCode = 1;
});
