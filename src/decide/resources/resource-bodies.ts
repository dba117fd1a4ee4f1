import { registryHost } from '../../model/image-reference.ts';
import { FaultList, type Faults } from '../../model/faults.ts';
import { PrewarmBody, RegistryAuthBody, VolumeBody, VolumeChangeBody } from '../../model/resource-schema.ts';
import type { NetworkVolume } from '../../model/network-volume.ts';
import type { PrewarmTask } from '../../model/prewarm-task.ts';
import type { RegistryAuth, RegistryCredential } from '../../model/registry-auth.ts';
import { checkShape } from '../update/check-shape.ts';

/** What a body of any shape asks for, or all that is wrong with it. */
type Read<Fields> = { readonly faults: Faults } | Fields;

export function readRegistryAuth(body: unknown): Read<Pick<RegistryAuth, 'name'> & RegistryCredential> {
  const faults = new FaultList();
  checkShape(RegistryAuthBody, body, faults);
  const text = textField(body, 'registry');
  const registry = text === null ? null : registryHost(text);
  if (text !== null && registry === null) {
    faults.add(
      'registry',
      `is the string ${JSON.stringify(text.slice(0, 80))}; allowed: the host of a registry, with a port if it has one, such as ghcr.io or registry.example:5000`,
    );
  }
  if (!faults.empty || registry === null) return { faults: faults.toFaults() };
  const { name, username, password } = body as RegistryAuthBody;
  return { name, registry, username, password };
}

export function readVolume(
  body: unknown,
  defaultRegionId: string,
): Read<Pick<NetworkVolume, 'name' | 'sizeGb' | 'regionId'>> {
  const faults = new FaultList();
  checkShape(VolumeBody, body, faults);
  if (!faults.empty) return { faults: faults.toFaults() };
  const { name, size, region_id: regionId = defaultRegionId } = body as VolumeBody;
  return { name, sizeGb: size, regionId };
}

/** A volume with a change made. */
export function changedVolume(stored: NetworkVolume, body: unknown): Read<NetworkVolume> {
  const faults = new FaultList();
  checkShape(VolumeChangeBody, body, faults);
  if (!faults.empty) return { faults: faults.toFaults() };
  const { name = stored.name, size = stored.sizeGb, region_id: regionId } = body as VolumeChangeBody;
  if (size < stored.sizeGb) {
    faults.add('size', `is ${size}; allowed: from ${stored.sizeGb}, what it is now: a volume can only grow`);
  }
  if (regionId !== undefined && regionId !== stored.regionId) {
    faults.add('region_id', `is "${regionId}"; allowed: "${stored.regionId}": a volume stays in its region`);
  }
  return faults.empty ? { ...stored, name, sizeGb: size } : { faults: faults.toFaults() };
}

export function readPrewarm(
  body: unknown,
): Read<Pick<PrewarmTask, 'name' | 'note' | 'image' | 'regionId' | 'productIds' | 'registryAuthId'>> {
  const faults = new FaultList();
  checkShape(PrewarmBody, body, faults);
  const image = textField(body, 'image');
  if (image !== null && /[\s\p{Cc}]/u.test(image)) {
    faults.add('image', 'has a space or a control character; allowed: the reference of an image');
  }
  if (!faults.empty) return { faults: faults.toFaults() };
  const given = body as PrewarmBody;
  return {
    name: given.name ?? '',
    note: given.note ?? '',
    image: given.image,
    regionId: given.region_id,
    productIds: [...new Set(given.product_ids)],
    registryAuthId: given.registry_auth_id ?? '',
  };
}

function textField(body: unknown, name: string): string | null {
  if (typeof body !== 'object' || body === null || !Object.hasOwn(body, name)) return null;
  const value = (body as Readonly<Record<string, unknown>>)[name];
  return typeof value === 'string' ? value : null;
}
