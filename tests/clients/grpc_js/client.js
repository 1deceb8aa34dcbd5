// A grpc-js client, from the files that `joblet-fake protos` has written. Prints JSON.
"use strict";

const { connect, load, stream, unary } = require("./calling.js");

const [protos, certificates, core, persist] = process.argv.slice(2);

async function main() {
  const jobs = connect(load(protos, "joblet.proto").JobService, core, certificates);
  const { PersistService } = load(protos, "persist.proto").persist;
  const history = connect(PersistService, persist, certificates);

  const payload = (message) => message.payload.toString();
  const content = (message) => message.content.toString();
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
    log: await stream(jobs, "GetJobLogs", { uuid }, payload),
    status: await unary(jobs, "GetJobStatus", { uuid }),
    stored: await stream(history, "QueryLogs", { job_id: uuid }, content),
    ping: await unary(history, "Ping", {}),
    hello: await unary(jobs, "GetJobStatus", { uuid: hello.jobUuid }),
    helloLog: await stream(jobs, "GetJobLogs", { uuid: hello.jobUuid }, payload),
    unknown: await unary(jobs, "GetJobStatus", { uuid: "nobody" }),
    unknownLog: await stream(jobs, "GetJobLogs", { uuid: "nobody" }, payload),
    deleted: await unary(jobs, "DeleteJob", { uuid }),
  }));
  jobs.close();
  history.close();
}

main();
