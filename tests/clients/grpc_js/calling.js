// How the grpc-js clients of the tests connect and call: as any grpc-js client does.
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");

// The package of a file that `joblet-fake protos` has written.
exports.load = (protos, name) =>
  grpc.loadPackageDefinition(
    loader.loadSync(path.join(protos, name), { keepCase: true, defaults: true }),
  ).joblet;

// A client of a service, with the certificate in a folder.
exports.connect = (Service, address, certificates) => {
  const read = (name) => fs.readFileSync(path.join(certificates, name));
  return new Service(address, grpc.credentials.createSsl(read("ca"), read("key"), read("cert")), {
    // Go clients insist on this name, whatever the address.
    "grpc.ssl_target_name_override": "joblet",
    "grpc.default_authority": "joblet",
  });
};

exports.unary = (client, method, request) =>
  new Promise((resolve) => {
    client[method](request, (error, reply) =>
      resolve(error ? { code: grpc.status[error.code], details: error.details } : reply));
  });

// What `pick` gives of each message; after the first `limit` of them the client cancels.
exports.stream = (client, method, request, pick, limit = Infinity) =>
  new Promise((resolve) => {
    const chunks = [];
    let failure = null;
    const call = client[method](request);
    call.on("data", (message) => {
      if (chunks.length < limit) {
        chunks.push(pick(message));
      }
      if (chunks.length === limit) {
        call.cancel();
      }
    });
    call.on("error", (error) => { failure = error; });
    call.on("status", (status) => {
      resolve({ chunks, code: grpc.status[status.code], details: (failure ?? status).details });
    });
  });
