// Verifies and encrypts with Node's crypto. Reads a list of tasks as JSON, answers a list of results.
// Bytes travel as base64; a verification answers true or false, an encryption the ciphertext.
import { constants, createPublicKey, publicEncrypt, verify } from "node:crypto";
import { readFileSync } from "node:fs";

const bytes = (text) => Buffer.from(text, "base64");

const tasks = {
  verify({ key, hash, pss, document, signature }) {
    const options = pss
      ? { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
      : { key, padding: constants.RSA_PKCS1_PADDING };
    return verify(hash, bytes(document), options, bytes(signature));
  },
  encrypt({ key, hash, label, plaintext }) {
    const options = { key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: hash, oaepLabel: bytes(label) };
    return publicEncrypt(options, bytes(plaintext)).toString("base64");
  },
};

const answers = JSON.parse(readFileSync(0, "utf8")).map(({ task, key, ...rest }) =>
  tasks[task]({ key: createPublicKey({ key: bytes(key), format: "der", type: "spki" }), ...rest }),
);
process.stdout.write(JSON.stringify(answers));
