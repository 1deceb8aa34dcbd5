// A grpc-js client that makes the calls it is told, one JSON line each, and tells what it sees.
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const readline = require("node:readline");
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");

const [protos] = process.argv.slice(2);

const load = (name) =>
  grpc.loadPackageDefinition(
    loader.loadSync(path.join(protos, name), { keepCase: true, defaults: true }),
  );

const services = {
  ...load("joblet.proto").joblet,
  PersistService: load("persist.proto").joblet.persist.PersistService,
};
const stubs = new Map();

const tell = (id, event, told = {}) =>
  fs.writeSync(1, `${JSON.stringify({ id, event, at: performance.now() / 1000, ...told })}\n`);

const open = ({ channel, address, pems, options }) => {
  const credentials = pems
    ? grpc.credentials.createSsl(...pems.map((pem) => Buffer.from(pem)))
    : grpc.credentials.createInsecure();
  const named = pems
    ? { "grpc.ssl_target_name_override": "joblet", "grpc.default_authority": "joblet" }
    : {};
  for (const [name, Service] of Object.entries(services)) {
    if (typeof Service === "function" && Service.service) {
      stubs.set(`${channel}/${name}`, new Service(address, credentials, { ...named, ...options }));
    }
  }
};

const close = ({ channel }) => {
  for (const [name, stub] of stubs) {
    if (name.startsWith(`${channel}/`)) {
      stub.close();
      stubs.delete(name);
    }
  }
};

const plain = (message) =>
  JSON.parse(JSON.stringify(message, (_, value) =>
    value && value.type === "Buffer" ? Buffer.from(value.data).toString() : value));

const call = ({ id, channel, service, method, request, seconds }) => {
  const stub = stubs.get(`${channel}/${service}`);
  const options = seconds ? { deadline: Date.now() + seconds * 1000 } : {};
  const shape = stub[method];
  const end = (status) => tell(id, "end", {
    code: grpc.status[status.code],
    details: status.details,
    trailers: status.metadata ? status.metadata.getMap() : {},
  });
  tell(id, "begin");
  if (shape.responseStream) {
    const stream = stub[method](request, options);
    stream.on("data", (message) => tell(id, "message", { message: plain(message) }));
    // A reply that can't be read is an error, and no status says so.
    let failed = null;
    stream.on("error", (error) => { failed = error; });
    stream.on("status", (status) => setImmediate(() => end(failed ?? status)));
    return;
  }
  stub[method](request, options, (error, reply) => {
    if (error) {
      end(error);
    } else {
      tell(id, "message", { message: plain(reply) });
      end({ code: grpc.status.OK, details: "" });
    }
  });
};

const verbs = { open, close, call };
const lines = readline.createInterface({ input: process.stdin });
lines.on("line", (line) => {
  const told = JSON.parse(line);
  verbs[told.verb](told);
});
lines.on("close", () => process.exit(0));
