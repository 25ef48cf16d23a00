//! What is written: owns telling ink from paper and from specks, and refuses to know where it is to be put.

use super::{Ink, Plane, background::Background};

/// The least difference between ink and background: in levels of 256, and in standard deviations of the background.
const LEAST_CONTRAST: f32 = 12.0;
const LEAST_DEVIATIONS: f32 = 5.0;

/// The rim of a stroke is grey. It is so much of the ink's longer side wide, a little more than one of 20 pixels, and
/// what has less than this share of the ink's strength is not of it.
const RIM_WIDTH: usize = 16;
const RIM_STRENGTH: f32 = 0.06;

/// Ink, cut out of a picture.
pub(super) struct Found {
    pub(super) is_dark: bool,
    /// 0 no ink to 1 ink; none of the outermost rows and columns is without.
    pub(super) ink: Plane,
}

/// Finds the ink, if there is any.
pub(super) fn find(picture: &Plane, ink: Ink) -> Option<Found> {
    let background = Background::estimate(picture);
    let is_dark = match ink {
        Ink::Dark => true,
        Ink::Light => false,
        Ink::Auto => is_dark(picture, &background),
    };
    let (strength, noise) = strength(picture, &background, is_dark);
    let threshold = threshold(&strength.values, noise.max(1.0 / 255.0))?;
    let (mut parts, labels) = parts(&strength, threshold);
    keep_strokes(&mut parts, &strength);
    let is_core = |position: usize| labels[position] > 0 && parts[labels[position] - 1].is_kept;

    let kept: Vec<usize> = (0..labels.len()).filter(|&position| is_core(position)).collect();
    if !stands_out(picture, &background, &kept) {
        return None;
    }
    let (left, top, right, bottom) = bounds(parts.iter().filter(|part| part.is_kept))?;
    let longer = (right - left).max(bottom - top) + 1;
    // A speck alone is no writing.
    if longer * 100 < picture.width.max(picture.height) {
        return None;
    }
    let mut strengths: Vec<f32> = kept.iter().map(|&position| strength.values[position]).collect();
    let place = strengths.len() * 9 / 10;
    let full = *strengths.select_nth_unstable_by(place, f32::total_cmp).1;
    let faintest = noise.max(RIM_STRENGTH * full);
    let near = near((0..labels.len()).map(is_core).collect(), picture.width, longer.div_ceil(RIM_WIDTH));
    let value = |position: usize| {
        let value = strength.values[position];
        if near[position] && value >= faintest { (value / full).min(1.0) } else { 0.0 }
    };
    let values = (0..labels.len()).map(value).collect();
    let ink = cut_out(&Plane { width: picture.width, height: picture.height, values })?;
    Some(Found { is_dark, ink })
}

/// Whether what differs most from the background is darker: the skewness has the sign of the few that are far off.
fn is_dark(picture: &Plane, background: &Background) -> bool {
    let mut sum = 0.0;
    for (row, values) in picture.rows().enumerate() {
        for (paper, value) in background.row(row).zip(values) {
            sum += f64::from(paper - value).powi(3);
        }
    }
    sum > 0.0
}

/// How much of the light that the background gives back is missing (or, of light ink, added), from 0 to 1: a shadow on
/// the paper takes its share of both. With it, what the background itself has mostly less of.
fn strength(picture: &Plane, background: &Background, is_dark: bool) -> (Plane, f32) {
    let mut values = Vec::with_capacity(picture.values.len());
    let mut rooms = 0.0;
    for (row, pixels) in picture.rows().enumerate() {
        for (paper, pixel) in background.row(row).zip(pixels) {
            let (difference, room) =
                if is_dark { (paper - pixel, paper) } else { (pixel - paper, 255.0 - paper) };
            rooms += f64::from(room.max(1.0));
            values.push((difference / room.max(1.0)).clamp(0.0, 1.0));
        }
    }
    let room = (rooms / values.len() as f64) as f32;
    (Plane { width: picture.width, height: picture.height, values }, 3.0 * background.noise / room)
}

/// Otsu's threshold (1979), between paper and ink: of what is more than noise, for most of a picture is paper, and two
/// classes of so different sizes would be divided within the greater one.
fn threshold(strength: &[f32], noise: f32) -> Option<f32> {
    const BINS: usize = 256;
    let mut counts = [0_u32; BINS];
    for &value in strength.iter().filter(|&&value| value > noise) {
        counts[(value * (BINS - 1) as f32) as usize] += 1;
    }
    let moments = |counts: &[u32], first: usize| {
        let weighted = |(bin, &count): (usize, &u32)| (first + bin) as f64 * f64::from(count);
        (
            counts.iter().map(|&count| f64::from(count)).sum::<f64>(),
            counts.iter().enumerate().map(weighted).sum::<f64>(),
        )
    };
    let (all, sum) = moments(&counts, 0);
    if all == 0.0 {
        return None;
    }
    let (mut best, mut most) = (0, -1.0);
    for bin in 0..BINS {
        let (below, sum_below) = moments(&counts[..=bin], 0);
        let above = all - below;
        if below == 0.0 || above == 0.0 {
            continue;
        }
        let distance = sum_below / below - (sum - sum_below) / above;
        let between = below * above * distance * distance;
        if between > most {
            (best, most) = (bin, between);
        }
    }
    // All of one strength: everything is ink that is more than noise.
    Some(if most < 0.0 { noise } else { ((best + 1) as f32 / (BINS - 1) as f32).max(noise) })
}

/// Ink that hangs together.
struct Part {
    left: usize,
    top: usize,
    right: usize,
    bottom: usize,
    /// The sum of its strengths.
    mass: f32,
    /// How many of its pixels are the outermost of the picture.
    outermost: usize,
    is_kept: bool,
}

/// The parts of what is at least as strong as the threshold, corners hanging together too; and for each pixel the number
/// of its part from 1, or 0.
fn parts(strength: &Plane, threshold: f32) -> (Vec<Part>, Vec<usize>) {
    let (width, height) = (strength.width, strength.height);
    let mut labels = vec![0; strength.values.len()];
    let mut parts = Vec::new();
    let mut waiting = Vec::new();
    for start in 0..labels.len() {
        if labels[start] > 0 || strength.values[start] < threshold {
            continue;
        }
        let label = parts.len() + 1;
        let (left, top) = (start % width, start / width);
        let mut part = Part { left, top, right: left, bottom: top, mass: 0.0, outermost: 0, is_kept: true };
        labels[start] = label;
        waiting.push(start);
        while let Some(position) = waiting.pop() {
            let (column, row) = (position % width, position / width);
            part.left = part.left.min(column);
            part.right = part.right.max(column);
            part.bottom = part.bottom.max(row);
            part.mass += strength.values[position];
            let is_outermost = row == 0 || row + 1 == height || column == 0 || column + 1 == width;
            part.outermost += usize::from(is_outermost);
            for row in row.saturating_sub(1)..=(row + 1).min(height - 1) {
                for column in column.saturating_sub(1)..=(column + 1).min(width - 1) {
                    let neighbour = row * width + column;
                    if labels[neighbour] == 0 && strength.values[neighbour] >= threshold {
                        labels[neighbour] = label;
                        waiting.push(neighbour);
                    }
                }
            }
        }
        parts.push(part);
    }
    (parts, labels)
}

/// Leaves out what runs along the edge of the picture, such as the table beside the paper, if there is anything else;
/// and what is small beside the greatest part, unless it is near it, as the bar of a 5 may be.
fn keep_strokes(parts: &mut [Part], picture: &Plane) {
    let inner = parts.iter().filter(|part| part.outermost == 0).map(|part| part.mass).fold(0.0, f32::max);
    let edge = 2 * (picture.width + picture.height);
    for part in parts.iter_mut() {
        part.is_kept = part.outermost * 10 < edge || inner * 20.0 < part.mass;
    }
    let kept = parts.iter().filter(|part| part.is_kept);
    let Some(greatest) = kept.max_by(|a, b| a.mass.total_cmp(&b.mass)) else { return };
    let (mass, reach) = (greatest.mass, greatest.longer() / 3);
    let (left, top) = (greatest.left.saturating_sub(reach), greatest.top.saturating_sub(reach));
    let (right, bottom) = (greatest.right + reach, greatest.bottom + reach);
    for part in parts.iter_mut() {
        let is_near = part.left <= right && part.right >= left && part.top <= bottom && part.bottom >= top;
        part.is_kept &= part.mass * 4.0 >= mass || (is_near && part.mass * 100.0 >= mass);
    }
}

impl Part {
    fn longer(&self) -> usize {
        (self.right - self.left).max(self.bottom - self.top) + 1
    }
}

/// Left, top, right and bottom of all.
fn bounds<'a>(parts: impl Iterator<Item = &'a Part>) -> Option<(usize, usize, usize, usize)> {
    parts
        .map(|part| (part.left, part.top, part.right, part.bottom))
        .reduce(|a, b| (a.0.min(b.0), a.1.min(b.1), a.2.max(b.2), a.3.max(b.3)))
}

/// Whether the pixels at these places differ enough from the background to be written.
fn stands_out(picture: &Plane, background: &Background, places: &[usize]) -> bool {
    let mut places = places.iter().peekable();
    let (mut sum, mut count) = (0.0, 0.0);
    while let Some(&&first) = places.peek() {
        let row = first / picture.width;
        let papers: Vec<f32> = background.row(row).collect();
        while let Some(&place) = places.next_if(|&&place| place / picture.width == row) {
            sum += f64::from((papers[place % picture.width] - picture.values[place]).abs());
            count += 1.0;
        }
    }
    sum >= count * f64::from(LEAST_CONTRAST.max(LEAST_DEVIATIONS * background.noise)) && count > 0.0
}

/// Which pixels have one of these at most `reach` rows and columns away.
fn near(mut mask: Vec<bool>, width: usize, reach: usize) -> Vec<bool> {
    for row in mask.chunks_exact_mut(width) {
        widen(row.len(), reach, |position| row[position])
            .into_iter()
            .zip(row)
            .for_each(|(near, pixel)| *pixel = near);
    }
    let height = mask.len() / width;
    for column in 0..width {
        let near = widen(height, reach, |row| mask[row * width + column]);
        near.into_iter().enumerate().for_each(|(row, near)| mask[row * width + column] = near);
    }
    mask
}

/// Which of `count` places have one at most `reach` away for which `is_set` holds.
fn widen(count: usize, reach: usize, is_set: impl Fn(usize) -> bool) -> Vec<bool> {
    let mut near = vec![false; count];
    let mut first_free = 0;
    for place in (0..count).filter(|&place| is_set(place)) {
        let end = (place + reach + 1).min(count);
        near[place.saturating_sub(reach).max(first_free)..end].fill(true);
        first_free = end;
    }
    near
}

/// The smallest piece of a plane with all in it that is not 0.
fn cut_out(plane: &Plane) -> Option<Plane> {
    let is_lit = |&value: &f32| value > 0.0;
    let mut rows = (0..plane.height).zip(plane.rows()).filter(|(_, row)| row.iter().any(is_lit));
    let top = rows.next()?.0;
    let bottom = rows.last().map_or(top, |(row, _)| row);
    let first = |row: &[f32]| row.iter().position(is_lit);
    let last = |row: &[f32]| row.iter().rposition(is_lit);
    let left = plane.rows().filter_map(first).min()?;
    let right = plane.rows().filter_map(last).max()?;
    let values =
        plane.rows().take(bottom + 1).skip(top).flat_map(|row| row[left..=right].iter().copied()).collect();
    Some(Plane { width: right - left + 1, height: bottom - top + 1, values })
}
