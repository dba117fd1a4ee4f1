import { systemClock } from '../adapters/system-clock.ts';
import { AppError } from '../base/errors.ts';
import { openServer, type PilotlightServer } from './compose.ts';
import { configHelp, parseConfig } from './config.ts';
import { tuneGarbageCollection } from './garbage-collection.ts';

const USAGE_ERROR = 2;
/**
 * One Ctrl-C can come here several times within moments: from the terminal, which tells the whole
 * process group, and passed on by `npm` and by the command line's `serve`, which are in it too.
 */
const REPEATED_SIGNAL_MS = 500;

/** `pilotlight serve`: one process that is API, gateway and control. Ends at SIGTERM or SIGINT. */
async function serve(): Promise<void> {
  const argv = process.argv.slice(2);
  if (argv.includes('--help')) {
    process.stdout.write(`pilotlight serve: serverless endpoints on this machine\n\n${configHelp()}\n`);
    return;
  }
  const parsed = parseConfig(argv, process.env);
  if ('faults' in parsed) {
    process.stderr.write(
      `pilotlight: ${parsed.faults.join('\npilotlight: ')}\nRun with --help to see every setting.\n`,
    );
    process.exitCode = USAGE_ERROR;
    return;
  }
  for (const warning of parsed.warnings) process.stderr.write(`pilotlight: ${warning}\n`);
  tuneGarbageCollection();
  let server: PilotlightServer;
  try {
    server = await openServer(parsed.config, process.env, (key) => {
      process.stdout.write(`API key (shown this once, keep it): ${key}\n`);
    });
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    process.stderr.write(`pilotlight: ${error.message}\n`);
    process.exitCode = 1;
    // A half-built server may hold a socket or a thread open.
    process.exit();
  }
  process.stdout.write(`Listening on ${server.url}\n`);

  const clock = systemClock();
  let closingSinceMs: number | null = null;
  const stop = (signal: string): void => {
    if (closingSinceMs !== null) {
      if (clock.monotonicMs() - closingSinceMs < REPEATED_SIGNAL_MS) return;
      // Asked twice: whoever asks does not want to wait for the requests that still run.
      process.exit(1);
    }
    closingSinceMs = clock.monotonicMs();
    process.stderr.write(`pilotlight: ${signal}: finishing running requests; again to stop at once\n`);
    void server.close().then(() => process.exit(0));
  };
  // Where there is none the signal keeps its usual meaning, the end of the terminal.
  if (parsed.config.listen.certificate !== null) process.on('SIGHUP', () => server.reloadCertificate());
  process.on('SIGTERM', () => stop('SIGTERM'));
  process.on('SIGINT', () => stop('SIGINT'));
  const error = await server.fatal;
  process.stderr.write(`pilotlight: the store failed, the server must end: ${String(error)}\n`);
  process.exit(1);
}

await serve();
