// The Trusted Launch article walked with the Azure SDK for JavaScript: node walk.mjs GENERATION PACKAGES GROUP
//
// GENERATION is new or old (which options its clients take), PACKAGES the folder whose node_modules serve. The
// environment has ENDPOINT, TENANT, SUBSCRIPTION, CLIENT and SECRET. One line per test on standard output.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';

const [generation, packages, group] = process.argv.slice(2);
const require = createRequire(packages + '/package.json');
const { ClientSecretCredential } = require('@azure/identity');
const { ContainerServiceClient } = require('@azure/arm-containerservice');
const { FeatureClient } = require('@azure/arm-features');
const { ResourceManagementClient } = require('@azure/arm-resources');

const { ENDPOINT: endpoint, TENANT: tenant, SUBSCRIPTION: subscription, CLIENT: client, SECRET: secret } = process.env;
const scope = endpoint + '/.default';
const older = { endpoint, credentialScopes: scope };
const options = generation === 'new' ? { endpoint, credentials: { scopes: [scope] } } : older;
const login = { authorityHost: endpoint, disableInstanceDiscovery: true };
const credential = new ClientSecretCredential(tenant, client, secret, login);
const aks = new ContainerServiceClient(credential, subscription, options);
const features = new FeatureClient(credential, subscription, older);
const resources = new ResourceManagementClient(credential, subscription, older);
const cluster = 'sdk-cluster';

const pass = (name) => console.log(`pass ${generation} SDK: ${name}`);
const bad = (name, why) => console.log(`FAIL ${generation} SDK: ${name}: ${String(why).replaceAll('\n', ' ').slice(0, 600)}`);

async function works(name, test) {
  try {
    await test();
    pass(name);
  } catch (error) {
    bad(name, error.stack ?? error);
  }
}

async function refused(name, status, code, pattern, test) {
  try {
    await test();
  } catch (error) {
    if (error.statusCode === status && error.code === code && pattern.test(error.message)) return pass(name);
    return bad(name, `${error.statusCode} ${error.code} ${error.message}`);
  }
  return bad(name, 'it was let through');
}

async function collect(pages) {
  const all = [];
  for await (const item of pages) all.push(item);
  return all;
}

const system = (more) => ({ name: 'nodepool1', mode: 'System', count: 1, ...more });
const wanted = (pool, more) => ({ location: 'local', identity: { type: 'SystemAssigned' }, dnsPrefix: 'sdk',
  agentPoolProfiles: [pool], ...more });
const put = (pool, more) => aks.managedClusters.beginCreateOrUpdateAndWait(group, cluster, wanted(pool, more));
const putPool = (name, more) => aks.agentPools.beginCreateOrUpdateAndWait(group, cluster, name, more);
const trusted = { enableVtpm: true, enableSecureBoot: true };

await works('a token from the token endpoint', async () => {
  assert.ok((await credential.getToken(scope)).token.length > 20);
});
await works('a wrong secret is no login', async () => {
  await assert.rejects(new ClientSecretCredential(tenant, client, 'wrong', login).getToken(scope), /invalid_client|secret/);
});
await works('S56: a resource group', async () => {
  assert.equal((await resources.resourceGroups.createOrUpdate(group, { location: 'local' })).properties.provisioningState, 'Succeeded');
  assert.ok((await resources.resourceGroups.checkExistence(group)).body);
  assert.equal((await resources.resourceGroups.checkExistence('nobody')).body, false);
});
if (process.env.FEATURE_FIRST) {
  await refused('S30: Trusted Launch without the feature', 400, 'BadRequest', /TrustedLaunchPreview/,
    () => put(system({ securityProfile: trusted })));
}
await works('S41-S45: the feature, until Registered, and the provider', async () => {
  const name = ['Microsoft.ContainerService', 'TrustedLaunchPreview'];
  const state = (await features.features.register(...name)).properties.state;
  assert.ok(process.env.FEATURE_FIRST ? state === 'Registering' : state === 'Registered', state);
  const deadline = Date.now() + 60000;
  while ((await features.features.get(...name)).properties.state !== 'Registered') {
    assert.ok(Date.now() < deadline, 'never Registered');
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  assert.equal((await resources.providers.register(name[0])).registrationState, 'Registered');
  assert.equal((await collect(features.features.list(name[0]))).length, 1);
});
await works('versions', async () => {
  const { values } = await aks.managedClusters.listKubernetesVersions('local');
  assert.ok(values.some((minor) => '1.25.2' in minor.patchVersions));
});
await refused('S48: Arm64', 400, 'TrustedLaunchIncompatibleWithConfig', /arm64/,
  () => put(system({ vmSize: 'Standard_D2ps_v5', securityProfile: trusted })));
await refused('a cluster without a system pool', 400, 'InvalidParameter', /system pool/, () => put(system({ mode: 'User' })));
await refused('no such cluster', 404, 'ResourceNotFound', /sdk-cluster/, () => aks.managedClusters.get(group, cluster));
await works('S54-S64: create', async () => {
  const made = await put(system({ securityProfile: trusted }));
  assert.equal(made.provisioningState, 'Succeeded');
  const { enableVtpm, enableSecureBoot } = made.agentPoolProfiles[0].securityProfile;
  assert.deepEqual([enableVtpm, enableSecureBoot], [true, true]);
  assert.equal(made.agentPoolProfiles[0].count, 1);
  assert.equal(made.servicePrincipalProfile.clientId, 'msi');
});
await works('list', async () => {
  assert.deepEqual((await collect(aks.managedClusters.list())).map((one) => one.name), [cluster]);
  assert.equal((await collect(aks.managedClusters.listByResourceGroup(group))).length, 1);
});
await works('S65: credentials', async () => {
  const { kubeconfigs } = await aks.managedClusters.listClusterUserCredentials(group, cluster);
  assert.equal(kubeconfigs[0].name, 'clusterUser');
  assert.match(Buffer.from(kubeconfigs[0].value).toString(), new RegExp(`clusterUser_${group}_${cluster}`));
  assert.equal((await aks.managedClusters.listClusterAdminCredentials(group, cluster)).kubeconfigs[0].name, 'clusterAdmin');
});
await works('tags by PATCH', async () => {
  const patched = await aks.managedClusters.beginUpdateTagsAndWait(group, cluster, { tags: { team: 'a' } });
  assert.deepEqual(patched.tags, { team: 'a' });
});
await works('S77: a pool with a vTPM alone', async () => {
  const pool = await putPool('mynodepool', { count: 3, mode: 'User', securityProfile: { enableVtpm: true } });
  assert.deepEqual([pool.count, pool.securityProfile.enableVtpm, pool.securityProfile.enableSecureBoot], [3, true, false]);
});
await works('S88, S89: off by default, on an image for Trusted Launch', async () => {
  const pool = await putPool('plain', { count: 1 });
  assert.deepEqual([pool.securityProfile.enableVtpm, pool.securityProfile.enableSecureBoot], [false, false]);
  assert.match(pool.nodeImageVersion, /TL/);
});
await works('S92: update turns both on, and what the request leaves out stays', async () => {
  const pool = await putPool('plain', { securityProfile: trusted });
  assert.deepEqual([pool.count, pool.securityProfile.enableVtpm, pool.securityProfile.enableSecureBoot], [1, true, true]);
});
await works('S98: update turns Secure Boot off', async () => {
  const pool = await putPool('plain', { securityProfile: { enableSecureBoot: false } });
  assert.deepEqual([pool.securityProfile.enableVtpm, pool.securityProfile.enableSecureBoot], [true, false]);
});
await refused('S70: an upper-case pool name', 400, 'InvalidParameter', /MyPool/, () => putPool('MyPool', { count: 1 }));
await refused('S47: FIPS', 400, 'TrustedLaunchIncompatibleWithConfig', /FIPS/,
  () => putPool('fips', { count: 1, enableFips: true, securityProfile: trusted }));
await refused('S67: a pool of no cluster', 404, 'ResourceNotFound', /sdk-cluster/,
  () => aks.agentPools.beginCreateOrUpdateAndWait(group, 'sdk-clustr', 'p', { count: 1 }));
await refused('a stale If-Match', 412, 'PreconditionFailed', /If-Match/, () =>
  aks.agentPools.beginCreateOrUpdateAndWait(group, cluster, 'plain', { count: 1 },
    generation === 'new' ? { ifMatch: '1' } : { requestOptions: { customHeaders: { 'If-Match': '1' } } }));
await works('pools are listed', async () => {
  const names = (await collect(aks.agentPools.list(group, cluster))).map((pool) => pool.name).sort();
  assert.deepEqual(names, ['mynodepool', 'nodepool1', 'plain']);
});
await works('upgrade profiles and versions for pools', async () => {
  assert.equal((await aks.managedClusters.getUpgradeProfile(group, cluster)).controlPlaneProfile.kubernetesVersion, '1.32.4');
  assert.match((await aks.agentPools.getUpgradeProfile(group, cluster, 'plain')).latestNodeImageVersion, /TL/);
  assert.equal((await aks.agentPools.getAvailableAgentPoolVersions(group, cluster)).agentPoolVersions.length, 1);
});
await works('upgrade of the node image', async () => {
  await aks.agentPools.beginUpgradeNodeImageVersionAndWait(group, cluster, 'plain');
  assert.equal((await aks.agentPools.get(group, cluster, 'plain')).provisioningState, 'Succeeded');
});
await works('a pool is deleted', async () => {
  await aks.agentPools.beginDeleteAndWait(group, cluster, 'plain');
  assert.equal((await collect(aks.agentPools.list(group, cluster))).length, 2);
});
await refused('the last system pool stays', 409, 'OperationNotAllowed', /system/,
  () => aks.agentPools.beginDeleteAndWait(group, cluster, 'nodepool1'));
await works('the cluster is deleted', async () => {
  await aks.managedClusters.beginDeleteAndWait(group, cluster);
  assert.equal((await collect(aks.managedClusters.list())).length, 0);
});
await works('the group is deleted with a cluster in it', async () => {
  await put(system({}));
  await resources.resourceGroups.beginDeleteAndWait(group);
  assert.equal((await resources.resourceGroups.checkExistence(group)).body, false);
});
