import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalReference, imageRegistry, registryHost } from './image-reference.ts';

test('an image is pulled from the host before its first slash, and from docker.io without one', () => {
  const registries: Readonly<Record<string, string>> = {
    nginx: 'docker.io',
    'nginx:1.27': 'docker.io',
    'library/nginx': 'docker.io',
    'vllm/vllm-openai:v0.9': 'docker.io',
    'docker.io/library/nginx@sha256:0a': 'docker.io',
    'index.docker.io/library/nginx': 'docker.io',
    'ghcr.io/owner/model:1': 'ghcr.io',
    'GHCR.io/owner/model:1': 'ghcr.io',
    'localhost/model': 'localhost',
    'localhost:5000/model': 'localhost:5000',
    'box:5000/a/b/c:tag': 'box:5000',
    'nginx:1.27/odd': 'nginx:1.27',
  };
  for (const [image, registry] of Object.entries(registries))
    assert.equal(imageRegistry(image), registry, image);
});

test('a registry is taken as people write it', () => {
  const hosts: Readonly<Record<string, string | null>> = {
    'ghcr.io': 'ghcr.io',
    'https://ghcr.io': 'ghcr.io',
    'https://ghcr.io/': 'ghcr.io',
    'https://index.docker.io/v1/': 'docker.io',
    'registry-1.docker.io': 'docker.io',
    'http://localhost:5000/v2/': 'localhost:5000',
    ' Registry.Example:5000 ': 'registry.example:5000',
    '[::1]:5000': '[::1]:5000',
    '': null,
    'ghcr.io/owner': null,
    'user@ghcr.io': null,
    'ghcr.io:port': null,
    'gh cr.io': null,
    'ghcr.io?x': null,
    'https://': null,
  };
  for (const [text, host] of Object.entries(hosts)) assert.equal(registryHost(text), host, text);
});

test('a short reference and its full form are one and the same', () => {
  const forms: Readonly<Record<string, string>> = {
    nginx: 'docker.io/library/nginx:latest',
    'docker.io/nginx': 'docker.io/library/nginx:latest',
    'index.docker.io/library/nginx:latest': 'docker.io/library/nginx:latest',
    'vllm/vllm-openai:v0.9': 'docker.io/vllm/vllm-openai:v0.9',
    'box:5000/model': 'box:5000/model:latest',
    'BOX:5000/model:1': 'box:5000/model:1',
    'ghcr.io/owner/model@sha256:0a': 'ghcr.io/owner/model@sha256:0a',
    'sha256:0a': 'docker.io/library/sha256:0a',
  };
  for (const [image, full] of Object.entries(forms)) {
    assert.equal(canonicalReference(image), full, image);
    assert.equal(canonicalReference(full), full, full);
  }
});
