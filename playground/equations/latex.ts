/** A printed line of an equation, `dc = dcNext + dh * o * (1 - tc * tc)`, in LaTeX. */

const greek: Record<string, string> = { sigmoid: '\\sigma', tanh: '\\tanh', exp: '\\exp', log: '\\log' };
/** Names whose last letters say which gate or part they are of. */
const subscripted = /^(d?)(a|W|b|p|h|o|c|x|fb|z|r)(i|f|g|o|r|z|n|x|h|y|rz|hn)$/;

/** One name: `hPrev` is h of the step before, `dX` is ∂L/∂X. */
export function nameToLatex(name: string): string {
  const whole: Record<string, string> = { tc: 't_c', arz: 'a_{rz}', Whrz: 'W_{h,rz}', Whn: 'W_{hn}' };
  const turned = name.endsWith('ᵀ');
  const bare = turned ? name.slice(0, -1) : name;
  const part = /^(.*?)\[(\d+):(\d+)\]$/.exec(bare);
  if (part) return `${nameToLatex(part[1])}^{[${part[2]}:${part[3]}]${turned ? '\\top' : ''}}`;
  if (turned) return `${nameToLatex(bare)}^{\\top}`;
  if (bare in whole) return whole[bare];
  const gradient = /^d([A-Za-z].*)$/.exec(bare);
  if (gradient) {
    const [, of] = gradient;
    const moment = /^(\w+?)(Prev|Next|Out)$/.exec(of);
    if (!moment) return `\\delta ${nameToLatex(of)}`;
    const mark = { Prev: '_{t-1}', Next: '^{\\leftarrow t+1}', Out: '^{\\text{out}}' }[moment[2] as 'Prev'];
    return `\\delta ${nameToLatex(moment[1])}${mark}`;
  }
  const previous = /^(\w+)Prev$/.exec(bare);
  if (previous) return `${nameToLatex(previous[1])}_{t-1}`;
  const sub = subscripted.exec(bare);
  if (sub) return `${sub[2]}_{${sub[3]}}`;
  return bare.length > 1 ? `\\mathit{${bare}}` : bare;
}

/** A whole line; `*` is the elementwise product, names side by side are a matrix product. */
export function lineToLatex(line: string): string {
  const tokens =
    line.match(/log Σ exp|Σ_O|Σ|\+=|[A-Za-z]\w*(?:\[\d+:\d+\])?ᵀ?|\d+(?:\.\d+)?|[-+*/=(),]/g) ?? [];
  return tokens
    .map((token) => {
      if (token === '*') return '\\odot';
      if (token === '/') return '/';
      if (token === '+=') return '\\mathrel{{+}{=}}';
      if (token === 'Σ_O') return '\\textstyle\\sum_O';
      if (token === 'Σ') return '\\textstyle\\sum_B';
      if (token === 'log Σ exp') return '\\log\\textstyle\\sum\\exp';
      if (token === '(') return '(';
      if (/^[A-Za-z]/.test(token)) return greek[token] ?? nameToLatex(token);
      return token;
    })
    .join(' ');
}
