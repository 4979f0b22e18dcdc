import type { Gateway } from '../../../clients/gateway';
import { createFakes, startGateway, type Fakes } from './gateway-fakes';

/** A gateway over fakes, made anew for every test of a file; read the members inside tests only. */
export interface GatewayForTests {
  fakes: Fakes;
  gateway: Gateway;
  url: string;
  /** What the gateway has logged so far. */
  log(): string;
}

/** Starts a gateway before each test of the file, and closes it afterwards. */
export function gatewayForTests(): GatewayForTests {
  const served = {} as GatewayForTests;
  beforeEach(async () => {
    const fakes = createFakes();
    Object.assign(served, { fakes }, await startGateway(fakes));
  });
  afterEach(() => served.gateway.close());
  return served;
}
