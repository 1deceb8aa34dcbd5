// A grpc-js client, from the files that `joblet-fake protos` has written. Prints JSON.
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");

const [protos, certificates, core, persist] = process.argv.slice(2);

const read = (name) => fs.readFileSync(path.join(certificates, name));
const load = (name) =>
  grpc.loadPackageDefinition(
    loader.loadSync(path.join(protos, name), { keepCase: true, defaults: true }),
  );

const connect = (Service, address) =>
  new Service(address, grpc.credentials.createSsl(read("ca"), read("key"), read("cert")), {
    // Go clients insist on this name, whatever the address.
    "grpc.ssl_target_name_override": "joblet",
    "grpc.default_authority": "joblet",
  });

const unary = (client, method, request) =>
  new Promise((resolve) => {
    client[method](request, (error, reply) =>
      resolve(error ? { code: grpc.status[error.code], details: error.details } : reply));
  });

const stream = (client, method, request, field) =>
  new Promise((resolve) => {
    const chunks = [];
    let failure = null;
    const call = client[method](request);
    call.on("data", (message) => chunks.push(message[field].toString()));
    call.on("error", (error) => { failure = error; });
    call.on("status", (status) => {
      resolve({ chunks, code: grpc.status[status.code], details: (failure ?? status).details });
    });
  });

async function main() {
  const jobs = connect(load("joblet.proto").joblet.JobService, core);
  const history = connect(load("persist.proto").joblet.persist.PersistService, persist);

  const script = "echo one; echo $WHO; exit 7";
  const ran = await unary(jobs, "RunJob", {
    command: "sh",
    args: ["-c", script],
    maxCpu: 50,
    environment: { WHO: "node" },
  });
  const uuid = ran.jobUuid;
  const hello = await unary(jobs, "RunJob", { command: "echo", args: ["hello"] });
  console.log(JSON.stringify({
    ran,
    log: await stream(jobs, "GetJobLogs", { uuid }, "payload"),
    status: await unary(jobs, "GetJobStatus", { uuid }),
    stored: await stream(history, "QueryLogs", { job_id: uuid }, "content"),
    ping: await unary(history, "Ping", {}),
    hello: await unary(jobs, "GetJobStatus", { uuid: hello.jobUuid }),
    helloLog: await stream(jobs, "GetJobLogs", { uuid: hello.jobUuid }, "payload"),
    unknown: await unary(jobs, "GetJobStatus", { uuid: "nobody" }),
    unknownLog: await stream(jobs, "GetJobLogs", { uuid: "nobody" }, "payload"),
    deleted: await unary(jobs, "DeleteJob", { uuid }),
  }));
  jobs.close();
  history.close();
}

main();
