// Node's fetch, which is undici's.
//
//   node bench/peers/fetch.mjs --version
//   node bench/peers/fetch.mjs [--seconds S] URL one|many [AT-ONCE]

const WARM_UP = 2000 // until what is compiled at run time has been
const BETWEEN_LOOKS = 20

const words = process.argv.slice(2)
if (words[0] === '--version') {
  console.log(process.versions.undici)
  process.exit()
}
const seconds = words[0] === '--seconds' ? Number(words.splice(0, 2)[1]) : 1
const [url, mode, atOnce] = words

let done = 0, over = false, started, cpuStarted, elapsed, cpu

function start() {
  started = performance.now()
  cpuStarted = process.cpuUsage()
}

function add() {
  if (over) return
  done++
  const measured = done - WARM_UP
  if (measured === 0) {
    start()
  } else if (measured > 0 && measured % BETWEEN_LOOKS === 0) {
    elapsed = (performance.now() - started) / 1000
    if (elapsed < seconds) return
    over = true
    const used = process.cpuUsage(cpuStarted)
    cpu = (used.user + used.system) / 1e6
  }
}

async function work() {
  while (!over) {
    const response = await fetch(url)
    const body = await response.text()
    if (response.status !== 200 || body.length === 0 || !response.headers.get('content-type')) {
      throw new Error('not the expected response')
    }
    add()
  }
}

start()
await Promise.all(Array.from({ length: mode === 'many' ? Number(atOnce) : 1 }, work))
console.log(`requests=${done - WARM_UP} seconds=${elapsed.toFixed(6)} cpu=${cpu.toFixed(6)}`)
process.exit()
