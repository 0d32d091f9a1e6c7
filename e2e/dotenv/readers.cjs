// Reads .env files with npm's dotenv, or with Node itself: node readers.cjs PARSER < FILES > ANSWERS.
// PARSER is the folder of a dotenv package, or "node" for what --env-file uses.
// FILES and ANSWERS are JSON lists; texts in them are in base64.
const { readFileSync } = require('node:fs')
const parse = process.argv[2] === 'node' ? require('node:util').parseEnv : require(process.argv[2]).parse

const answers = JSON.parse(readFileSync(0, 'utf8')).map((file) => {
  const text = Buffer.from(file, 'base64').toString('utf8')
  try {
    const vars = {}
    for (const [name, value] of Object.entries(parse(text))) vars[name] = Buffer.from(value).toString('base64')
    return { vars }
  } catch (e) {
    return { error: String(e.message) }
  }
})
process.stdout.write(JSON.stringify(answers))
