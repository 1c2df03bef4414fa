export { ACME, BETA, type Fixture, fixtures, parseFixture, type Signer, signersOf } from "../../src/demo/fixtures.ts";
