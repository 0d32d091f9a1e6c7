// Auth.js, express-session and Better Auth, each as an application that has just
// started. Arguments: the framework; make, or read with what make printed; and the
// file that rotate wrote.
import { readFileSync, writeFileSync } from "node:fs";
import { decode, encode } from "@auth/core/jwt";
import { betterAuth } from "better-auth";
import { memoryAdapter } from "better-auth/adapters/memory";
import { symmetricDecrypt, symmetricEncrypt } from "better-auth/crypto";
import express from "express";
import session from "express-session";

const [framework, what, file, given] = process.argv.slice(2);
const text = readFileSync(file, "utf8");

// Sessions outlive the process, as in a database.
class Disk extends session.Store {
  path = file + ".sessions";
  all = () => { try { return JSON.parse(readFileSync(this.path, "utf8")); } catch { return {}; } };
  get = (id, done) => done(null, this.all()[id]);
  set = (id, data, done) => { writeFileSync(this.path, JSON.stringify({ ...this.all(), [id]: data })); done(); };
  destroy = (id, done) => done();
}

async function visit(headers) {
  const app = express();
  app.use(session({ secret: JSON.parse(text), store: new Disk(), resave: false, saveUninitialized: true }));
  app.get("/", (request, response) => {
    const known = request.session.user;
    request.session.user = "door";
    response.send(known ?? "nobody");
  });
  const server = app.listen(0, "127.0.0.1");
  await new Promise((done) => server.once("listening", done));
  const answer = await fetch(`http://127.0.0.1:${server.address().port}/`, { headers });
  const user = await answer.text();
  server.close();
  return { user, cookie: answer.headers.getSetCookie().map((c) => c.split(";")[0]).join("; ") };
}

// The secrets of Better Auth come from its variable; what it knows of users is in db.
async function better(db) {
  process.env.BETTER_AUTH_SECRETS = text.trim().replace("BETTER_AUTH_SECRETS=", "");
  const auth = betterAuth({ database: memoryAdapter(db), emailAndPassword: { enabled: true }, baseURL: "http://127.0.0.1:3000" });
  return { auth, key: (await auth.$context).secretConfig };
}

const frameworks = {
  "auth.js": {
    make: () => encode({ secret: JSON.parse(text), salt: "door", token: { sub: "door" } }),
    read: async (token) => (await decode({ secret: JSON.parse(text), salt: "door", token })).sub === "door",
  },
  "express-session": {
    make: async () => (await visit({})).cookie,
    read: async (cookie) => (await visit({ cookie })).user === "door",
  },
  "better-auth encrypts": {
    make: async () => symmetricEncrypt({ key: (await better({})).key, data: "door" }),
    read: async (data) => (await symmetricDecrypt({ key: (await better({})).key, data })) === "door",
  },
  "better-auth sessions": {
    make: async () => {
      const db = { user: [], session: [], account: [], verification: [] };
      const body = { email: "door@example.com", password: crypto.randomUUID(), name: "door" };
      const answer = await (await better(db)).auth.api.signUpEmail({ body, asResponse: true });
      writeFileSync(file + ".db", JSON.stringify(db));
      return answer.headers.getSetCookie().map((c) => c.split(";")[0]).join("; ");
    },
    read: async (cookie) => {
      const dates = (name, v) => (/(At|expires)$/.test(name) && v ? new Date(v) : v);
      const db = JSON.parse(readFileSync(file + ".db", "utf8"), dates);
      return (await (await better(db)).auth.api.getSession({ headers: new Headers({ cookie }) })) !== null;
    },
  },
};

try {
  const answer = await frameworks[framework][what](given);
  console.log(what === "read" ? (answer ? "taken" : "refused") : answer);
} catch (e) {
  if (what !== "read") throw e;
  console.log("refused");
}
process.exit(0);
