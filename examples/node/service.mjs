// A service that signs with current, verifies with every live key, and reads
// the keyset again whenever it is used.
//
//   npm ci && KEYSET=../../keys/development-auth-jwt.json ADDR=127.0.0.1:8080 node service.mjs
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { SignJWT, decodeProtectedHeader, importJWK, jwtVerify } from "jose";

// rotate's config says how old what we know may be (propagation); a small file
// is read faster than a signature is checked.
async function live() {
  return JSON.parse(await readFile(process.env.KEYSET, "utf8")).keys;
}

async function sign(subject) {
  const [current] = await live(); // the first signs
  return new SignJWT({ sub: subject, exp: Math.floor(Date.now() / 1000) + 3 })
    .setProtectedHeader({ alg: current.alg, kid: current.kid })
    .sign(await importJWK(current));
}

async function verify(token) {
  const { kid } = decodeProtectedHeader(token);
  for (const { d, ...key } of await live()) { // without d: whoever verifies needs no private half
    if (kid !== undefined && kid !== key.kid) continue;
    try {
      // The key's algorithm, never the token's.
      const { payload } = await jwtVerify(token, await importJWK(key), { algorithms: [key.alg] });
      return payload.sub;
    } catch (err) {
      if (kid !== undefined) throw err;
    }
  }
  throw new Error("no live key has signed this token");
}

const [host, port] = process.env.ADDR.split(":");
createServer(async ({ url }, response) => {
  const { pathname, searchParams } = new URL(url, "http://localhost");
  try {
    if (pathname === "/token") response.end(await sign(searchParams.get("sub")));
    else if (pathname === "/verify") response.end(await verify(searchParams.get("token")));
    else response.writeHead(404).end();
  } catch {
    response.writeHead(401).end("refused");
  }
}).listen(Number(port), host);
