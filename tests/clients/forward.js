// Sends records through the hop with @fluent-org/logger, in every mode, with and without
// acknowledgements, and takes them as the next hop: node forward.js PORT_OF_NEXT_HOP
// HOST:PORT_OF_HOP [KEY USER PASSWORD]. Fails unless all of them come, scrubbed, in order.
const { FluentClient, FluentServer, EventTime } = require("@fluent-org/logger");

const N_RECORDS = 50;
const MODES = ["Message", "Forward", "PackedForward", "CompressedPackedForward"];
const [nextHop, hop, sharedKey, username, password] = process.argv.slice(2);
const [host, port] = hop.split(":");

async function combination(mode, asksAck, came) {
  const options = { eventMode: mode, socket: { host, port: Number(port) } };
  if (asksAck) options.ack = { ackTimeout: 30000 };
  if (sharedKey) options.security = { clientHostname: "client", sharedKey, username, password };
  const client = new FluentClient("app", options);
  const tag = `${mode}.${asksAck}`;
  const sent = [];
  for (let n = 0; n < N_RECORDS; n++) {
    const record = { n, log: `from user${n}@example.org`, float: 1.5, none: null, list: ["x", `user${n}@example.org`] };
    sent.push(client.emit(tag, record, new EventTime(1700000000 + n, n)));
  }
  await Promise.all(sent);
  const own = () => came.filter((entry) => entry.tag === `app.${tag}`);
  while (own().length < N_RECORDS) await new Promise((resolve) => setTimeout(resolve, 10));
  await client.shutdown();
  own().forEach(({ time, record }, n) => {
    const expected = { n, log: "from REDACTED-email", float: 1.5, none: null, list: ["x", "REDACTED-email"] };
    const isTime = time.epoch === 1700000000 + n && time.nano === n;
    if (!isTime || JSON.stringify(record) !== JSON.stringify(expected)) throw new Error(`${tag}: record ${n} is not what it was`);
  });
}

async function main() {
  const came = [];
  const options = { listenOptions: { port: Number(nextHop), host: "127.0.0.1" } };
  if (sharedKey) {
    options.security = { serverHostname: "server", sharedKey, authorize: true, userDict: { [username]: password } };
  }
  const server = new FluentServer(options);
  server.on("entry", (tag, time, record) => came.push({ tag, time, record }));
  await server.listen();
  for (const mode of MODES) {
    for (const asksAck of [false, true]) await combination(mode, asksAck, came);
  }
  if (came.length !== 2 * MODES.length * N_RECORDS) throw new Error(`${came.length} records came`);
  process.exit(0);
}

main().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
