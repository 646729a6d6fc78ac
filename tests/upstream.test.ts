/** Upstream gradients of networks without a loss, on the plain executor and on the usual one. */
import { settings } from './executors';
import { describeUpstream, isQuick } from './upstreams';

describeUpstream(settings.filter(isQuick));
