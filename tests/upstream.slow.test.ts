/** Upstream gradients of networks without a loss, on all other executors and dtypes. */
import { settings } from './executors';
import { describeUpstream, isQuick } from './upstreams';

describeUpstream(settings.filter((setting) => !isQuick(setting)));
