// Reads .env files with npm's dotenv, or with Node itself: node readers.cjs READER < FILES > ANSWERS.
// READER is the folder of a dotenv package, or "node" for process.loadEnvFile, which is --env-file in a
// running process. FILES and ANSWERS are JSON lists; texts in them are in base64.
const { mkdtempSync, readFileSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')

const folder = mkdtempSync(join(tmpdir(), 'dotenv-'))
function node (bytes) {
  const path = join(folder, '.env')
  writeFileSync(path, bytes)
  for (const name of Object.keys(process.env)) delete process.env[name]
  process.loadEnvFile(path)
  return { ...process.env }
}
const read = process.argv[2] === 'node' ? node : require(process.argv[2]).parse

const answers = JSON.parse(readFileSync(0, 'utf8')).map((file) => {
  try {
    const vars = {}
    for (const [name, value] of Object.entries(read(Buffer.from(file, 'base64')))) vars[name] = Buffer.from(value).toString('base64')
    return { vars }
  } catch (e) {
    return { error: String(e.message) }
  }
})
rmSync(folder, { recursive: true })
process.stdout.write(JSON.stringify(answers))
