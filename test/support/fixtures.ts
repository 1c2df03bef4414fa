export { ACME, BETA, type Fixture, fixtures, parseFixture, type Signer, signerFile, signersOf } from "../../src/demo/fixtures.ts";
