// jsonwebtoken and jose, as an application calls them: a request a line in, an
// answer a line out. The argument says which of the two.
import { createPrivateKey, createPublicKey, createSecretKey } from "node:crypto";
import { createInterface } from "node:readline";
import * as jose from "jose";
import jsonwebtoken from "jsonwebtoken";

const bytes = { text: (v) => Buffer.from(v), base64: (v) => Buffer.from(v, "base64") };

const libraries = {
  jsonwebtoken: {
    key({ form, key, do: what }) {
      if (bytes[form]) return form === "text" ? key : bytes[form](key);
      if (form === "pem") return key;
      if (key.kty === "oct") return createSecretKey(Buffer.from(key.k, "base64url"));
      return what === "sign" ? createPrivateKey({ key, format: "jwk" }) : createPublicKey({ key, format: "jwk" });
    },
    sign: (key, alg) => jsonwebtoken.sign({ sub: "door" }, key, { algorithm: alg }),
    verify: (token, key, alg) => jsonwebtoken.verify(token, key, { algorithms: [alg] }),
    refused: (e) => e.message === "invalid signature",
    lacks: ({ alg }) => alg === "EdDSA",
  },
  jose: {
    key({ form, key, do: what, alg }) {
      if (bytes[form]) return bytes[form](key);
      if (form === "jwk") return jose.importJWK(key, alg);
      return what === "sign" ? jose.importPKCS8(key, alg) : jose.importSPKI(key, alg);
    },
    sign: (key, alg) => new jose.SignJWT({ sub: "door" }).setProtectedHeader({ alg }).sign(key),
    verify: (token, key, alg) => jose.jwtVerify(token, key, { algorithms: [alg] }),
    refused: (e) => e.code === "ERR_JWS_SIGNATURE_VERIFICATION_FAILED",
    lacks: ({ form, key }) => form === "pem" && /BEGIN (RSA|EC) PRIVATE/.test(key), // of private keys it reads PKCS #8 alone
  },
};

const library = libraries[process.argv[2]];
for await (const line of createInterface({ input: process.stdin })) {
  const ask = JSON.parse(line);
  let answer;
  try {
    if (library.lacks(ask)) answer = { lacks: true };
    else {
      const key = await library.key(ask);
      if (ask.do === "sign") answer = { token: await library.sign(key, ask.alg) };
      else {
        await library.verify(ask.token, key, ask.alg);
        answer = { verified: true };
      }
    }
  } catch (e) {
    if (ask.do === "sign" || !library.refused(e)) throw e;
    answer = { verified: false };
  }
  console.log(JSON.stringify(answer));
}
