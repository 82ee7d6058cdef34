// Apache Kafka from Maven artifacts, once per machine: jars, a class data archive for a fast start, and the metadata of a fresh cluster.
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheRoot, missing } from '../tools.mjs';
import { freePorts } from './free-ports.mjs';

const KAFKA = '4.3.1';
const target = join(cacheRoot, `kafka-${KAFKA}`);

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>test</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging><dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${KAFKA}</version></dependency>
<dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>2.25.4</version></dependency>
</dependencies></project>
`;

const LOG4J = `status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{HH:mm:ss.SSS} %p %c{1} %m%n
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
logger.server.name = kafka.server.KafkaRaftServer
logger.server.level = info
`;

const CLUSTER_ID = 'AffiantTestsAffiantAAA';

const runs = (command, args) => spawnSync(command, args, { stdio: 'ignore' }).status === 0;

/** Installs what is missing. @returns {boolean} whether Kafka can run here; when not, it was said loudly (a failure with CI=true). */
export function kafkaInstalled() {
  if (existsSync(join(target, 'kafka.jsa'))) return true;
  if (!runs('java', ['-version'])) return missing('Apache Kafka', 'needs java 17 or newer on the PATH') ?? false;
  if (!runs('mvn', ['-version'])) return missing('Apache Kafka', 'needs mvn on the PATH, to fetch it once') ?? false;
  console.error('installing Apache Kafka into the tool cache (once)');
  mkdirSync(cacheRoot, { recursive: true });
  const building = mkdtempSync(join(cacheRoot, 'kafka-building-'));
  try {
    writeFileSync(join(building, 'pom.xml'), POM);
    writeFileSync(join(building, 'log4j2.properties'), LOG4J);
    const plugin = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';
    execFileSync(
      'mvn',
      [
        '-q',
        '-B',
        '-ntp',
        '-f',
        join(building, 'pom.xml'),
        plugin,
        '-DincludeScope=runtime',
        `-DoutputDirectory=${join(building, 'libs')}`,
      ],
      { stdio: ['ignore', 2, 2] },
    );
    try {
      renameSync(building, target);
    } catch {
      // Another process was faster, or an earlier run was cut before the archive was made; its jars are whole either way.
      if (!existsSync(join(target, 'libs'))) throw new Error(`cannot move Kafka to ${target}`);
    }
    archiveClasses();
    return true;
  } catch (error) {
    return missing('Apache Kafka', error instanceof Error ? error.message : String(error)) ?? false;
  } finally {
    rmSync(building, { recursive: true, force: true });
  }
}

/** Command line of java before the main class. The class path names every jar in order: the archive is only used with the very same one. */
export function javaArgs({ archive = join(target, 'kafka.jsa'), record = false, heap = '256m' } = {}) {
  const jars = readdirSync(join(target, 'libs')).sort();
  return [
    '-Xms64m',
    `-Xmx${heap}`,
    '-Xss512k',
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=1',
    record ? `-XX:ArchiveClassesAtExit=${archive}` : `-XX:SharedArchiveFile=${archive}`,
    '-Xlog:cds=off',
    '-Xlog:cds+dynamic=off',
    `-Dlog4j2.configurationFile=${join(target, 'log4j2.properties')}`,
    '-cp',
    jars.map((jar) => join(target, 'libs', jar)).join(':'),
  ];
}

/**
 * Formats the log directory of the broker a properties file describes, with the users of SCRAM.
 * @param {{name: string, password: string}[]} users
 */
export function formatWithTool(properties, users) {
  const scram = users.flatMap(({ name, password }) => ['--add-scram', `SCRAM-SHA-512=[name=${name},password=${password}]`]);
  execFileSync('java', [...javaArgs(), 'kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID, '-c', properties, ...scram], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** Formats a log directory as the tool does, without a JVM: its identity, and the bootstrap metadata of another node's. */
export function formatByHand(logDirectory, nodeId, bootstrapCheckpoint) {
  mkdirSync(logDirectory, { recursive: true });
  const id = Buffer.from(crypto.getRandomValues(new Uint8Array(16)))
    .toString('base64url')
    .replace(/^-/, 'A');
  writeFileSync(join(logDirectory, 'meta.properties'), `#\ncluster.id=${CLUSTER_ID}\ndirectory.id=${id}\nnode.id=${nodeId}\nversion=1\n`);
  cpSync(bootstrapCheckpoint ?? join(target, 'bootstrap.checkpoint'), join(logDirectory, 'bootstrap.checkpoint'));
}

/** One clean run of one broker, whose loaded classes become the archive; its metadata is kept for formatting without a JVM. */
function archiveClasses() {
  const directory = mkdtempSync(join(cacheRoot, 'kafka-archive-'));
  try {
    const logDirectory = join(directory, 'log');
    const properties = join(directory, 'server.properties');
    const controller = freePorts(1)[0];
    writeFileSync(
      properties,
      `process.roles=broker,controller\nnode.id=1\nlog.dirs=${logDirectory}\nlisteners=CLIENT://127.0.0.1:0,CONTROLLER://127.0.0.1:${controller}\ncontroller.quorum.voters=1@127.0.0.1:${controller}\ncontroller.listener.names=CONTROLLER\ninter.broker.listener.name=CLIENT\nlistener.security.protocol.map=CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT\n`,
    );
    formatWithTool(properties, []);
    cpSync(join(logDirectory, 'bootstrap.checkpoint'), join(target, 'bootstrap.checkpoint'));
    const archive = join(directory, 'kafka.jsa');
    const script = `java "$@" > "${directory}/out" 2>&1 & pid=$!; n=0
      until grep -q "Kafka Server started" "${directory}/out"; do sleep 0.2; n=$((n+1)); [ $n -lt 300 ] && kill -0 $pid || exit 1; done
      kill -TERM $pid; wait $pid; true`;
    execFileSync('/bin/sh', ['-c', script, 'archive', ...javaArgs({ archive, record: true }), 'kafka.Kafka', properties], {
      stdio: ['ignore', 'ignore', 2],
    });
    renameSync(archive, join(target, 'kafka.jsa'));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
