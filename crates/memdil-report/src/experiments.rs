//! What the report knows of the experiments: their order, what they ask, and where they differ from
//! the paper.

/// An experiment in words.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    /// What is done, and what the paper says comes of it.
    pub(crate) question: &'static str,
    /// What an experiment without claims shows.
    pub(crate) shows: &'static str,
    /// Where it is not the paper's.
    pub(crate) differs: &'static str,
}

/// In the order of the page.
const KNOWN: [About; 12] = [
    About {
        name: "memorization-dilation",
        title: "Dilation against memorization",
        question: "Networks are trained on noisy labels, over noise level, loss, width, class selection and seed. The paper \
             says: the more of the wrong labels a network memorises, the farther it spreads the features of unseen samples; \
             label smoothing and relaxation hold them together better than cross-entropy.",
        shows: "",
        differs: "Except in preset paper: narrower and shallower networks, larger batches and less weight decay than the authors’ (depth 9, width \
             2048, batch 16, decay 1e-3), chosen on the share of samples that they memorise; images in \
             their own size; no held-out share.",
    },
    About {
        name: "capacity",
        title: "Capacity",
        question: "Networks of several widths are trained on clean and on noisy labels. At equal noise, do those that memorise \
             more spread the features of unseen samples more, compared with the clean network of the same width?",
        shows: "",
        differs: "Not in the paper, which varies the noise.",
    },
    About {
        name: "features-2d",
        title: "Two-dimensional features",
        question: "The picture of the phenomenon: networks whose penultimate layer has two features, trained with CE and \
             with LS on more and more wrong labels. No claim is tested on it.",
        shows: "The more of its wrong labels a network has learned by heart, the more corrupted samples lie in the cloud of the \
             label they were given; what that does to unseen samples is seen between the clouds.",
        differs: "One seed; settings are those of memorization-dilation.",
    },
    About {
        name: "theory-vs-practice",
        title: "The model over the runs",
        question: "The constant C_MD, how much memorization a unit of dilation costs, is fitted to the runs of each data set, \
             class selection and network; with it the model says in which order the losses dilate.",
        shows: "One constant a network, fitted to all losses together, is enough to say which loss dilates less.",
        differs: "The paper’s model penalises features; these networks penalise weights only, so absolute levels are not \
             expected to agree, the order of the losses is.",
    },
    About {
        name: "md-theory",
        title: "Theory",
        question: "The memorization-dilation model of the paper, solved. It has two classes and non-negative features; unseen \
             features lie on a sphere of radius r around their class feature; C_MD says how much dilation a memorised sample \
             costs; rho is r over the distance of the class features. Classifier and features are penalised by the same λ. \
             In the model η is the ratio of noisy to clean samples.",
        shows: "",
        differs: "The paper proves limits; here the minimisers are computed, and checked against the limits.",
    },
    About {
        name: "layer-peeled",
        title: "Layer-peeled model",
        question: "Classifier and features as free variables, trained by full-batch gradient descent, beside the closed-form \
             minimum of the layer-peeled model. Errors are relative to the closed form. NC1: variability within classes; \
             NC2+: largest deviation of a cosine between class means from the frame’s (0 for non-negative features, −1/(N−1) \
             for signed ones), or of their norms from each other; NC3+: largest distance between the directions of a \
             classifier row and of its class mean, taken from the global mean.",
        shows: "Collapse to a frame, orthogonal where features are non-negative, is where descent ends and not only where \
             the minimum is.",
        differs: "The paper proves where the minimum is; that descent reaches it is measured.",
    },
    About {
        name: "generalization",
        title: "Generalization after a search",
        question: "Learning rate, its factor and the parameter of the loss are searched for each loss, then the best setting is \
             trained again on all training data and tested. The paper says: LS and LR classify at least as well as CE under \
             label noise.",
        shows: "",
        differs: "Fewer trials, images and networks than the authors’ search, except in preset paper.",
    },
    About {
        name: "latent-classes",
        title: "Latent noise classes",
        question: "A share of the labels of each class, the split, becomes a second class of its own, without other noise: the \
             network tells 2K classes apart and is tested on K. The latent labels are the corrupted ones. The paper says: \
             memorization and dilation go together here too. In figures η is the split.",
        shows: "",
        differs: "Labels are drawn in file order and for any K; memorization is of true classes.",
    },
    About {
        name: "large-scale",
        title: "Convolutional networks",
        question: "VGG and ResNet on all classes, clean and noisy labels, measured after every epoch: do \
             training features collapse, and does noise dilate the features of unseen samples?",
        shows: "",
        differs: "Fewer images, channels and epochs, except in preset paper.",
    },
    About {
        name: "fashion-mnist-reference",
        title: "Beside the authors’ code",
        question: "The setting in which the authors’ released code was measured; no claim of the paper.",
        shows: "Agreement here is agreement of two programs, not of a claim with the world.",
        differs: "Noise draw, split and initial values are of other random numbers.",
    },
    About {
        name: "robust-losses",
        title: "Losses for label noise",
        question: "Losses of the label-noise literature on all ten classes under symmetric noise; no claim of the paper.",
        shows: "How much of the effect of a loss is memorization avoided.",
        differs: "Not in the paper.",
    },
    About {
        name: "resnet-fashion-mnist",
        title: "A residual network on clean labels",
        question: "ResNet-18 with a quarter of its channels on all of Fashion-MNIST; no claim of the paper.",
        shows: "The convolutional networks train.",
        differs: "Not in the paper.",
    },
];

/// The place of an experiment on the page; unknown ones come after the known.
pub(crate) fn rank(name: &str) -> usize {
    KNOWN
        .iter()
        .position(|about| about.name == name)
        .unwrap_or(KNOWN.len())
}

pub(crate) fn about(name: &str) -> Option<&'static About> {
    KNOWN.iter().find(|about| about.name == name)
}
