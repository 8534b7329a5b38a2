//! Windows that slide over images: which elements meet.

use crate::graph::Shape;

/// The largest number that strides, paddings, dilations and sizes may be, so that positions are exact in
/// 32 bits with a sign.
const LONGEST: usize = 1 << 28;

/// A window that slides along one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sliding {
    /// The axis's size.
    pub input: usize,
    /// Elements of the window.
    pub taps: usize,
    /// From one window to the next.
    pub stride: usize,
    /// Padding in front.
    pub before: usize,
    /// Padding behind.
    pub after: usize,
    /// From one element of the window to the next.
    pub dilation: usize,
}

impl Sliding {
    /// Whether all its numbers are small enough to be added up and multiplied.
    pub fn is_sound(&self) -> bool {
        let Sliding { input, taps, stride, before, after, dilation } = *self;
        let small = [input, taps, stride, before, after, dilation].iter().all(|&n| n <= LONGEST);
        small
            && [taps, stride, dilation].iter().all(|&n| n > 0)
            && (taps - 1).checked_mul(dilation).is_some_and(|extent| extent < LONGEST)
    }

    /// From the window's first element to its last, both counted.
    pub fn extent(&self) -> usize {
        self.taps.saturating_sub(1).saturating_mul(self.dilation).saturating_add(1)
    }

    /// How many windows there are; `None` where not even one fits.
    pub fn windows(&self) -> Option<usize> {
        let padded = self.input + self.before + self.after;
        Some(padded.checked_sub(self.extent())? / self.stride + 1)
    }

    /// The smallest axis that has so many windows.
    pub fn inputs(&self, windows: usize) -> Result<usize, String> {
        if !self.is_sound() || windows > LONGEST {
            return Err("strides, dilations and filters are 1 or more, and not huge".into());
        }
        let padding = self.before + self.after;
        let covered = windows
            .checked_sub(1)
            .and_then(|steps| steps.checked_mul(self.stride)?.checked_add(self.extent()));
        covered
            .and_then(|covered| covered.checked_sub(padding))
            .ok_or_else(|| format!("a padding of {padding} leaves nothing of {windows}"))
    }

    /// The largest window of which so many fit, at least 1.
    pub fn taps(&self, windows: usize) -> usize {
        let padded = self.input.saturating_add(self.before).saturating_add(self.after);
        let moved = windows.saturating_sub(1).saturating_mul(self.stride);
        padded.saturating_sub(moved).saturating_sub(1) / self.dilation.max(1) + 1
    }

    /// The windows in which element `tap` lies within the axis.
    pub fn windows_at(&self, tap: usize, windows: usize) -> std::ops::Range<usize> {
        let at = tap * self.dilation;
        let first = self.before.saturating_sub(at).div_ceil(self.stride);
        let end = (self.input + self.before).saturating_sub(at).div_ceil(self.stride);
        first.min(windows)..end.min(windows).max(first.min(windows))
    }

    /// Where element `tap` of window `window` lies; they meet.
    pub fn place(&self, tap: usize, window: usize) -> usize {
        (window * self.stride + tap * self.dilation).saturating_sub(self.before)
    }
}

/// The numbers of windows along both axes, or what is wrong.
pub(super) fn windows(height: Sliding, width: Sliding, what: &str) -> Result<[usize; 2], String> {
    let of = |sliding: Sliding, words: &str| {
        let Sliding { input, taps, stride, dilation, before, after } = sliding;
        if stride == 0 || dilation == 0 || taps == 0 {
            return Err(format!(
                "along the {words}, stride {stride}, dilation {dilation} and size {taps}: each is at \
                 least 1"
            ));
        }
        if !sliding.is_sound() {
            return Err(format!("along the {words}, the sizes are too large"));
        }
        sliding.windows().ok_or_else(|| {
            let spread = match dilation {
                1 => String::new(),
                _ => format!(", spread over {} by dilation {dilation},", sliding.extent()),
            };
            let padding = match before + after {
                0 => String::new(),
                _ => format!(" with padding {before} + {after}"),
            };
            format!(
                "{what} of {words} {taps}{spread} does not fit images of {words} {input}{padding}"
            )
        })
    };
    Ok([of(height, "height")?, of(width, "width")?])
}

/// Four sizes of an array of four axes.
pub(super) fn four(shape: &Shape) -> Option<[usize; 4]> {
    shape.sizes().try_into().ok()
}

/// Windows over a batch of images `[batch, height, width, channels]`: where the elements of a window
/// (`[taps, taps, channels / groups, features]` of a filter) meet input and output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stencil {
    pub batch: usize,
    /// Along height and width.
    pub sliding: [Sliding; 2],
    /// Numbers of windows.
    pub outputs: [usize; 2],
    /// Of the input.
    pub channels: usize,
    /// Channels of the output.
    pub features: usize,
    pub groups: usize,
}

impl Stencil {
    /// Elements of input, filter and output, where all sizes fit each other.
    pub fn elements(&self) -> Option<[usize; 3]> {
        let product =
            |sizes: &[usize]| sizes.iter().try_fold(1usize, |p, &size| p.checked_mul(size));
        let [height, width] = self.sliding;
        let divides = |n: usize| self.groups > 0 && n.is_multiple_of(self.groups);
        let windows = |axis: usize| self.sliding[axis].windows() == Some(self.outputs[axis]);
        let fine = height.is_sound()
            && width.is_sound()
            && windows(0)
            && windows(1)
            && divides(self.channels)
            && divides(self.features);
        let [rows, columns] = self.outputs;
        fine.then_some(())?;
        Some([
            product(&[self.batch, height.input, width.input, self.channels])?,
            product(&[height.taps, width.taps, self.channels / self.groups, self.features])?,
            product(&[self.batch, rows, columns, self.features])?,
        ])
    }

    /// Channels that one filter reads.
    pub fn depth(&self) -> usize {
        self.channels / self.groups.max(1)
    }

    /// Filters of one group.
    pub fn filters(&self) -> usize {
        self.features / self.groups.max(1)
    }

    /// Multiply-adds; padding counts like everything else.
    pub fn products(&self) -> usize {
        let [height, width] = self.sliding;
        let [rows, columns] = self.outputs;
        [self.batch, rows, columns, height.taps, width.taps, self.depth(), self.features]
            .iter()
            .fold(1, |product, &size| product.saturating_mul(size))
    }

    /// The rows and the depth of the product of matrices that it is: where each pixel is by itself, or one
    /// window takes a whole image.
    pub fn as_product(&self) -> Option<(usize, usize)> {
        let [height, width] = self.sliding;
        let pixels = height.input.saturating_mul(width.input);
        let each = |s: &Sliding| (s.taps, s.stride, s.before, s.after) == (1, 1, 0, 0);
        let all = |s: &Sliding| {
            s.input > 0 && (s.taps, s.dilation, s.before, s.after) == (s.input, 1, 0, 0)
        };
        match self.groups {
            1 if self.sliding.iter().all(each) => {
                Some((self.batch.saturating_mul(pixels), self.channels))
            }
            1 if self.sliding.iter().all(all) => {
                Some((self.batch, pixels.saturating_mul(self.channels)))
            }
            _ => None,
        }
    }

    /// Every pixel of the output with every element of the window that lies within the image, in order:
    /// the pixels of input, window and output.
    pub fn meetings(&self) -> impl Iterator<Item = (usize, usize, usize)> + use<> {
        let ([height, width], [rows, columns]) = (self.sliding, self.outputs);
        let within = |sliding: Sliding, tap: usize, window: usize| {
            let at = window * sliding.stride + tap * sliding.dilation;
            at.checked_sub(sliding.before).filter(|&place| place < sliding.input)
        };
        (0..self.batch * rows * columns).flat_map(move |output| {
            let (image, row, column) =
                (output / (rows * columns), output / columns % rows, output % columns);
            (0..height.taps * width.taps).filter_map(move |tap| {
                let y = within(height, tap / width.taps, row)?;
                let x = within(width, tap % width.taps, column)?;
                Some(((image * height.input + y) * width.input + x, tap, output))
            })
        })
    }
}
