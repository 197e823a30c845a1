// A real D1 on this machine (miniflare, workerd) behind Cloudflare's REST interface; prints its address, ends with its stdin.
// The folder where miniflare is installed comes as argument.
import { createRequire } from "node:module";
const { Miniflare } = createRequire(process.argv[2] + "/")("miniflare");
const worker = `
const reply = (result) => Response.json({success: true, errors: [], messages: [], result});
const refuse = (status, code, message) => Response.json({success: false, errors: [{code, message}], messages: [], result: []}, {status});
let busy = 0;
export default { async fetch(request, env) {
  const path = new URL(request.url).pathname;
  if (path === "/busy") { busy = 2; return new Response("ok"); }
  if (!/^\\/client\\/v4\\/accounts\\/account\\/d1\\/database\\/database\\/query$/.test(path)) return refuse(404, 7404, "no such database");
  if (request.headers.get("authorization") !== "Bearer token-of-the-test") return refuse(401, 10000, "Authentication error");
  if (busy > 0) { busy -= 1; return new Response("busy", {status: 503, headers: {"Retry-After": "0.01"}}); }
  const {sql, params} = await request.json();
  try { return reply([await env.DB.prepare(sql).bind(...(params ?? [])).all()]); }
  catch (error) { return refuse(400, 7500, String(error.message)); }
}};`;
const server = new Miniflare({ modules: true, script: worker, d1Databases: { DB: "local" }, port: 0, host: "127.0.0.1" });
console.log(String(await server.ready));
process.stdin.resume();
process.stdin.on("end", async () => { await server.dispose(); process.exit(0); });
