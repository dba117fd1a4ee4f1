import { dockerConformanceWorld } from '../support/docker-conformance.ts';
import { engineSkip } from '../support/engines.ts';
import { driverConformance } from './driver.ts';

// It passes over requests for devices, which test/driver-docker/devices.test.ts shows.
driverConformance('podman', () => dockerConformanceWorld('podman', []), engineSkip());
