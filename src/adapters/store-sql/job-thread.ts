/** The thread that owns the jobs' database; its other end is `SqliteJobStore`. */
import { JobCalls, type JobAnswer, type JobCall } from './jobs/job-calls.ts';
import { JOB_MIGRATIONS } from './jobs/job-migrations.ts';
import { serveThread } from './serve-thread.ts';
import { openSqliteDatabase } from './sqlite-database.ts';

serveThread<JobCall, JobAnswer>((path) => {
  const database = openSqliteDatabase(path, Date.now(), JOB_MIGRATIONS);
  // The default moves 4 MiB from the log into the file every few hundred commits, most of it pages
  // that the next commits change again.
  database.exec('PRAGMA wal_autocheckpoint = 8000');
  database.exec('PRAGMA cache_size = -65536');
  return new JobCalls(database);
});
