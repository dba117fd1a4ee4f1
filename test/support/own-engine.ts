import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DockerEngine } from '../../scripts/engines/docker-engine.ts';
import { buildImageTree, importImage } from '../../scripts/engines/test-image.ts';

export interface OwnEngine {
  readonly docker: DockerEngine;
  /** On this engine alone. */
  readonly image: string;
  close(): Promise<void>;
}

/** A dockerd for one test, which may stop and start it: beside the one that all tests share. */
export async function openOwnEngine(options: { readonly liveRestore?: boolean } = {}): Promise<OwnEngine> {
  const folder = await mkdtemp(join(tmpdir(), 'pl-engine-'));
  const number = process.pid % 200;
  // A name and a subnet that no other test file has: their processes run at the same time.
  const bridge = `pl${process.pid % 100_000_000}`;
  ip('link', 'add', bridge, 'type', 'bridge');
  ip('addr', 'add', `10.${100 + (process.pid % 100)}.${number}.1/24`, 'dev', bridge);
  ip('link', 'set', bridge, 'up');
  const close = async (docker: DockerEngine | null): Promise<void> => {
    try {
      await docker?.close();
    } finally {
      ip('link', 'delete', bridge);
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    }
  };
  let docker: DockerEngine | null = null;
  try {
    const subnet = `10.${100 + (process.pid % 100)}.${number}.0/24`;
    docker = await DockerEngine.open({ folder, network: { bridge, subnet }, ...options });
    const tree = join(folder, 'tree');
    await mkdir(tree);
    buildImageTree(tree);
    await importImage(docker.client, tree, 'pilotlight-own', '1');
    await rm(tree, { recursive: true });
  } catch (error) {
    await close(docker);
    throw error;
  }
  const engine = docker;
  return { docker: engine, image: 'pilotlight-own:1', close: async () => await close(engine) };
}

function ip(...words: readonly string[]): void {
  const { error, status, stderr } = spawnSync('ip', words, { encoding: 'utf8' });
  if (error !== undefined || status !== 0) {
    throw new Error(`ip ${words.join(' ')} failed: ${error?.message ?? stderr}`);
  }
}
