// A grpc-js client of the other services of the core port. Prints JSON.
"use strict";

const path = require("node:path");
const { connect, load, stream, unary } = require("./calling.js");

const [protos, certificates, core] = process.argv.slice(2);
const joblet = load(protos, "joblet.proto");

const as = (role, service) => connect(joblet[service], core, path.join(certificates, role));

async function main() {
  const [jobs, networks, volumes] = ["JobService", "NetworkService", "VolumeService"].map(
    (service) => as("admin", service),
  );
  const [runtimes, monitoring] = ["RuntimeService", "MonitoringService"].map(
    (service) => as("admin", service),
  );
  const onlyReads = as("viewer", "NetworkService");
  const watches = as("viewer", "MonitoringService");

  const seen = {
    network: await unary(networks, "CreateNetwork", { name: "lab", cidr: "10.9.0.0/24" }),
    badNetwork: await unary(networks, "CreateNetwork", { name: "bad", cidr: "10.9.0.0" }),
    volume: await unary(volumes, "CreateVolume", { name: "data", size: "1gb", type: "memory" }),
    badVolume: await unary(volumes, "CreateVolume", { name: "data", size: "1gb", type: "disk" }),
  };
  const ran = await unary(jobs, "RunJob", {
    command: "sh",
    args: ["-c", "echo kept > /volumes/data/file"],
    network: "lab",
    volumes: ["data"],
  });
  const payload = (message) => message.payload.toString();
  const { uuid } = await unary(jobs, "GetJobStatus", { uuid: ran.jobUuid });
  await stream(jobs, "GetJobLogs", { uuid }, payload);
  const reader = await unary(jobs, "RunJob", {
    command: "cat",
    args: ["/volumes/data/file"],
    volumes: ["data"],
  });
  Object.assign(seen, {
    kept: await stream(jobs, "GetJobLogs", { uuid: reader.jobUuid }, payload),
    samples: await stream(jobs, "GetJobMetrics", { uuid }, (sample) => sample.jobId === uuid),
    networks: await unary(networks, "ListNetworks", {}),
    volumes: await unary(volumes, "ListVolumes", {}),
    removedNetwork: await unary(networks, "RemoveNetwork", { name: "lab" }),
    removedVolume: await unary(volumes, "RemoveVolume", { name: "data" }),
    removedAgain: await unary(volumes, "RemoveVolume", { name: "data" }),
    runtimes: await unary(runtimes, "ListRuntimes", {}),
    install: await stream(
      runtimes,
      "StreamingInstallRuntimeFromGithub",
      { runtimeSpec: "go-1.22", repository: "org/repository" },
      (chunk) => chunk.progress?.message ?? chunk.result?.message ?? "log",
    ),
    status: await unary(monitoring, "GetSystemStatus", {}),
    viewerCreates: await unary(onlyReads, "CreateNetwork", { name: "no", cidr: "10.9.0.0/24" }),
    viewerLists: await unary(onlyReads, "ListNetworks", {}),
    // Last: until the server knows that a stream was left, its clock goes on.
    metrics: await stream(
      watches,
      "StreamSystemMetrics",
      { intervalSeconds: 10, metricTypes: ["cpu", "disk"] },
      (message) => ({
        at: message.timestamp,
        cores: message.cpu.cores,
        memory: message.memory.totalBytes.toString(),
        disks: message.disks.length,
        networks: message.networks.length,
      }),
      3,
    ),
  });
  console.log(JSON.stringify(seen));
  for (const client of [jobs, networks, volumes, runtimes, monitoring, onlyReads, watches]) {
    client.close();
  }
}

main();
